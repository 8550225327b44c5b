using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Serve;
using LlmServe.Cli.Tests.Support;
using LlmServe.Engine;
using LlmServe.Server;
using LlmServe.Serving;
using LlmServe.Testing;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Tests;

/// <summary>Where the settings of <c>llmserve serve</c> come from, and what is said about wrong ones.</summary>
public sealed class ServeConfigurationTests : IDisposable
{
    private const string Key = "0123456789abcdef0123456789abcdef";

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Read_Nothing_GivesTheDefaults()
    {
        var settings = Read([], []);

        Assert.Empty(settings.Server.ApiKeys);
        Assert.Equal(new ServerOptions { ApiKeys = settings.Server.ApiKeys }, settings.Server);
        Assert.Equal(new EngineOptions(), settings.Engine);
        Assert.Equal(64, settings.Model.Cpu.MaxSequences);
        Assert.Null(settings.Model.Cpu.KvBytes);
        Assert.Equal(new LogSettings(LogLevel.Warning, LogFormat.Text), settings.Log);
    }

    [Fact]
    public void Read_Flags_SetEverySetting()
    {
        var settings = Read([], ["--host", "0.0.0.0", "--port=9000", "--max-sequences", "8", "--max-queue", "0", "--max-tick-ms", "12.5", "--kv-memory", "64MiB",
            "--prefix-cache", "off", "--max-request-bytes", "64KiB", "--max-prompt-tokens", "100", "--max-output-tokens", "50", "--grace", "3", "--log",
            "--log-format", "json", "--reflection", "open", "--lanes", "1"]);

        Assert.Equal(("0.0.0.0", 9000, 65536, 100, 50), (settings.Server.Host, settings.Server.Port, settings.Server.MaxRequestBytes,
            settings.Server.MaxPromptTokens, settings.Server.MaxOutputTokens));
        Assert.Equal((TimeSpan.FromSeconds(3), true, true), (settings.Server.GracePeriod, settings.Server.Reflection, settings.Server.OpenReflection));
        Assert.Equal((0, 12.5, false), (settings.Engine.MaxQueue, settings.Engine.MaxTickMilliseconds, settings.Engine.PrefixCache));
        Assert.Equal((8, 64L << 20, 1), (settings.Model.Cpu.MaxSequences, settings.Model.Cpu.KvBytes, settings.Model.Cpu.Lanes));
        Assert.Equal(new LogSettings(LogLevel.Information, LogFormat.Json), settings.Log);
    }

    [Fact]
    public void Read_FileEnvironmentAndFlags_TheLaterWins()
    {
        string file = Write("""{"llmserve": {"port": 1001, "max_queue": 1, "grace": 11, "prefix_cache": false, "log": true, "model": "file.gguf"}, "Logging": {"x": 1}}""");
        var settings = Read(new() { ["LLMSERVE_PORT"] = "1002", ["LLMSERVE_MAX_QUEUE"] = "2", ["LLMSERVE_GRACE"] = "", ["HOME"] = "/" }, ["--config", file, "--port", "1003"]);

        Assert.Equal(1003, settings.Server.Port);
        Assert.Equal(2, settings.Engine.MaxQueue);
        Assert.Equal(TimeSpan.FromSeconds(11), settings.Server.GracePeriod);
        Assert.False(settings.Engine.PrefixCache);
        Assert.Equal(LogLevel.Information, settings.Log.Level);
        Assert.Equal("file.gguf", settings.Model.Path);
    }

    [Fact]
    public void Read_EveryFlag_IsAlsoAKeyAndAVariable()
    {
        var command = new Command("serve");
        ServeOptionSet.AddTo(command);
        foreach (var option in command.Options.Where(option => option.Name is not "--config" and not "--help"))
        {
            string key = ServeConfiguration.KeyOf(option);
            Assert.Matches("^[a-z_]+$", key);
            // A value that no number, size, choice or switch takes; texts take it.
            string value = "?";
            bool text = option is Option<string?>;
            foreach (Action read in (Action[])[
                () => Read([], ["--config", Write($$"""{"llmserve": {"{{key}}": "{{value}}"} }""")]),
                () => Read(new() { [$"LLMSERVE_{key.ToUpperInvariant()}"] = value }, [])])
            {
                string? problem = Record.Exception(read)?.Message;
                Assert.DoesNotContain("unknown key", problem ?? "");
                Assert.True(text || problem!.Contains(key, StringComparison.OrdinalIgnoreCase), $"{key}: {problem}");
            }
        }
    }

    [Theory]
    [InlineData("""{"llmserve": {"prot": 1}}""", "llmserve:prot: unknown key 'prot'; allowed are activations, api_key_file, api_keys, context")]
    [InlineData("""{"llmserve": {"config": "x"}}""", "unknown key 'config'")]
    [InlineData("""{"llmserve": {"port": {"x": 1}}}""", "unknown key 'port:x'")]
    [InlineData("""{"llmserve": {"port": "http"}}""", "llmserve:port: found 'http', allowed is a whole number from 0 to 65535")]
    [InlineData("""{"llmserve": {"port": 65536}}""", "llmserve:port: found '65536', allowed is a whole number from 0 to 65535")]
    [InlineData("""{"llmserve": {"kv_memory": "1 GB"}}""", "llmserve:kv_memory: found '1 GB', allowed is a size")]
    [InlineData("""{"llmserve": {"log": "maybe"}}""", "llmserve:log: found 'maybe', allowed is true or false")]
    [InlineData("""{"llmserve": {"prefix_cache": "maybe"}}""", "llmserve:prefix_cache: found 'maybe', allowed is one of on, off")]
    [InlineData("""{"llmserve": {"tls_cert": "x"}}""", "--tls-cert and --tls-key belong together")]
    [InlineData("""{"llmserve": {"api_keys": "x"}}""", "llmserve:api_keys: found a text, allowed is a list of objects")]
    [InlineData("""{"llmserve": {"api_keys": [{"key": "0123456789abcdef0123456789abcdef"}]}}""", "llmserve:api_keys:0: the key has no name")]
    [InlineData("""{"llmserve": {"api_keys": [{"name": "a"}]}}""", "llmserve:api_keys:0: 'a' needs exactly one of key and sha256")]
    [InlineData("""{"llmserve": {"api_keys": [{"name": "a", "sha256": "12"}]}}""", "llmserve:api_keys:0:sha256: The SHA-256 of a key has 2 characters")]
    [InlineData("""{"llmserve": {"api_keys": [{"name": "a", "key": "tooshort"}]}}""", "llmserve:api_keys:0:key: A key of 8 characters was given")]
    [InlineData("""{"llmserve": {"api_keys": [{"name": "a", "key": "0123456789abcdef", "max_streams": 0}]}}""", "api_keys:0:max_streams: found '0', allowed is")]
    [InlineData("""{"llmserve": {"api_keys": [{"nome": "a"}]}}""", "llmserve:api_keys:0:nome: unknown key; allowed are api_keys:N:name")]
    [InlineData("""{"llmserve": {"api_keys": [{"name": "a b", "key": "0123456789abcdef"}]}}""", "llmserve:api_keys:0:name: Name of the API key 'a b' is not allowed")]
    [InlineData("""{"llmserve": {"api_keys": {"00": {"name": "a"}}}}""", "llmserve:api_keys:00:name: unknown key")]
    [InlineData("""{"llmserve": "port"}""", "llmserve: found 'port', allowed is an object")]
    [InlineData("""{"serve": {}}""", "has no section 'llmserve'")]
    [InlineData("""{"llmserve": {"port": 1, "PORT": 2}}""", "is no valid configuration")]
    [InlineData("""{"llmserve": """, "is no valid configuration")]
    [InlineData("[]", "is no valid configuration")]
    public void Read_WrongFile_NamesFileAndKeyAndWhatIsAllowed(string json, string problem)
    {
        string file = Write(json);
        var error = Assert.Throws<CliException>(() => Read([], ["--config", file]));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Contains(file, StringComparison.Ordinal) || problem.Contains("belong together"), error.Message);
        Assert.DoesNotContain("tooshort", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LLMSERVE_MAX_QUEUES", "1", "environment variable LLMSERVE_MAX_QUEUES: unknown key 'max_queues'; allowed are")]
    [InlineData("LLMSERVE_PORT", "tcp://10.0.0.1:80", "environment variable LLMSERVE_PORT: found 'tcp://10.0.0.1:80', allowed is")]
    [InlineData("LLMSERVE_SERVICE_HOST", "10.0.0.1", "set enableServiceLinks to false")]
    [InlineData("LLMSERVE_API_KEYS__0__NAME", "a", "environment variable LLMSERVE_API_KEYS__0: 'a' needs exactly one of key and sha256")]
    public void Read_WrongVariable_NamesIt(string name, string value, string problem) =>
        Assert.Contains(problem, Assert.Throws<CliException>(() => Read(new() { [name] = value }, [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_VariablesOfOtherCommands_AreIgnored() =>
        Assert.Empty(Read(new() { ["LLMSERVE_API_KEY"] = Key, ["LLMSERVE_DEBUG"] = "1", ["LLMSERVE_TLS_CA"] = "x" }, []).Server.ApiKeys);

    [Fact]
    public void Read_ApiKeys_ComeFromAllSources()
    {
        string keys = _folder.Write("keys.json", $$"""{"api_keys": [{"name": "file", "sha256": "{{ApiKey.HashOf(Key + "1")}}", "priority": -5}]}""");
        string config = Write($$"""{"llmserve": {"api_keys": [{"name": "config", "key": "{{Key}}2", "max_streams": 2, "max_prompt_tokens": 3, "max_output_tokens": 4}] } }""");
        var settings = Read(new() { ["LLMSERVE_API_KEYS__1__NAME"] = "variable", ["LLMSERVE_API_KEYS__1__KEY"] = Key + "3" }, ["--config", config, "--api-key-file", keys]);

        Assert.Equal(
        [
            new ApiKey { Name = "config", Sha256 = ApiKey.HashOf(Key + "2"), MaxStreams = 2, MaxPromptTokens = 3, MaxOutputTokens = 4 }.Describe(),
            new ApiKey { Name = "variable", Sha256 = ApiKey.HashOf(Key + "3") }.Describe(),
            new ApiKey { Name = "file", Sha256 = ApiKey.HashOf(Key + "1"), Priority = -5 }.Describe(),
        ], settings.Server.ApiKeys.Select(key => key.Describe()));
    }

    [Theory]
    [InlineData("""{"api_keys": []}""", "has no keys")]
    [InlineData("""{"keys": [{"name": "a"}]}""", "unknown key 'keys:0:name'; allowed is api_keys")]
    [InlineData("{}", "has no keys")]
    public void Read_WrongKeyFile_NamesIt(string json, string problem)
    {
        string keys = _folder.Write("keys.json", json);
        Assert.StartsWith($"{keys}: {problem}", Assert.Throws<CliException>(() => Read([], ["--api-key-file", keys])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MissingFiles_NamesThem()
    {
        foreach (string flag in (string[])["--config", "--api-key-file", "--tls-pfx"])
        {
            string missing = _folder.File("missing");
            Assert.Contains(missing, Assert.ThrowsAny<Exception>(() => Read([], [flag, missing])).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Serve_WrongConfiguration_IsOneLineAndAUsageError()
    {
        string file = Write("""{"llmserve": {"prot": 1}}""");
        var result = await new CliHarness().RunAsync("serve", "--config", file);

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.StartsWith($"llmserve: error: {file}: llmserve:prot: unknown key 'prot'; allowed are ", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    public void Dispose() => _folder.Dispose();

    private static ServeSettings Read(Dictionary<string, string> environment, string[] args)
    {
        var command = new Command("serve");
        var options = ServeOptionSet.AddTo(command);
        var parsed = new RootCommand { command }.Parse(["serve", .. args]);
        Assert.Empty(parsed.Errors);
        return options.Read(parsed, environment);
    }

    private string Write(string json) => _folder.Write("settings.json", json);
}

internal static class ApiKeyTestExtensions
{
    /// <summary>Everything that a key says, to compare.</summary>
    public static (string, string, int?, int?, int?, int) Describe(this ApiKey key) =>
        (key.Name, key.Sha256, key.MaxStreams, key.MaxPromptTokens, key.MaxOutputTokens, key.Priority);
}
