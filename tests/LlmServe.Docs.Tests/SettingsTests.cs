using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmServe.Cli.Serve;
using LlmServe.Docs.Tests.Support;

namespace LlmServe.Docs.Tests;

/// <summary>Every block of JSON is JSON; settings and keys are read as <c>llmserve serve</c> reads them.</summary>
public sealed class SettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-docs-").FullName;

    public static TheoryData<string> Blocks => [.. DocPages.BlocksOf("json").Select(block => block.Place)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Block_OfJson_IsTakenByTheProgram(string place)
    {
        var block = DocPages.BlocksOf("json").Single(candidate => candidate.Place == place);
        var root = JsonNode.Parse(block.Text, documentOptions: new JsonDocumentOptions { AllowTrailingCommas = false });

        if (root is JsonObject settings && settings[ConfigurationValues.Section] is JsonObject section)
        {
            WithFilesThatExist(section);
            Read("--config", Write("settings.json", root.ToJsonString()));
        }
        else if (root is JsonObject keys && keys.ContainsKey(ApiKeyReader.Section))
        {
            Assert.NotEmpty(Read("--api-key-file", Write("keys.json", block.Text)).Server.ApiKeys);
        }
    }

    private static ServeSettings Read(params string[] arguments)
    {
        var command = new Command("serve");
        var options = ServeOptionSet.AddTo(command);
        var parsed = command.Parse(arguments);
        Assert.Empty(parsed.Errors);
        return options.Read(parsed, new Dictionary<string, string>());
    }

    /// <summary>Puts files of this test in the places of those that a page merely names.</summary>
    private void WithFilesThatExist(JsonObject section)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=docs", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        foreach (var (name, text) in (IEnumerable<(string, string)>)
        [
            ("tls_cert", certificate.ExportCertificatePem()),
            ("tls_key", key.ExportPkcs8PrivateKeyPem()),
            ("api_key_file", """{ "api_keys": [{ "name": "a", "key": "0123456789abcdef" }] }"""),
        ])
        {
            if (section.ContainsKey(name))
            {
                section[name] = Write(name, text);
            }
        }
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return path;
    }
}
