using System.CommandLine;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Serve;
using LlmServe.Client;

namespace LlmServe.Cli.Options;

/// <summary>How commands get into a server that asks for an API key or shows a certificate of its own.</summary>
internal sealed class ServerConnection
{
    /// <summary>The variable that stands in for <c>--api-key</c>.</summary>
    public const string KeyVariable = "LLMSERVE_API_KEY";

    /// <summary>The variable that stands in for <c>--tls-ca</c>.</summary>
    public const string CaVariable = "LLMSERVE_TLS_CA";

    private readonly Option<string?> _key = OptionFactory.Text(
        "--api-key", "KEY", $"API key for the server; others on this machine can see it here, so prefer the variable {KeyVariable}");

    private readonly Option<string?> _ca = OptionFactory.Text(
        "--tls-ca", "FILE", $"PEM file of the only roots, or the server's own certificate, to trust for https (default: this machine's roots; also {CaVariable})");

    private ServerConnection(Command command, Option<string?>? server)
    {
        command.Options.Add(_key);
        command.Options.Add(_ca);
        if (server is not null)
        {
            command.Validators.Add(result => RequireServer(result, server));
        }
    }

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    /// <param name="command">The command.</param>
    /// <param name="server">The option that names the server, if without it there is none; null: there always is one.</param>
    public static ServerConnection AddTo(Command command, Option<string?>? server = null) => new(command, server);

    /// <summary>What the command line says, else the environment.</summary>
    /// <exception cref="CliException">The file of roots cannot be used.</exception>
    public LlmServeClientOptions Read(ParseResult parsed, IReadOnlyDictionary<string, string> environment) =>
        new()
        {
            ApiKey = Given(parsed.GetValue(_key)) ?? Given(environment.GetValueOrDefault(KeyVariable)),
            TrustedRoots = Given(parsed.GetValue(_ca)) is { } file ? ReadRoots(file, "--tls-ca")
                : Given(environment.GetValueOrDefault(CaVariable)) is { } set ? ReadRoots(set, CaVariable)
                : null,
        };

    /// <summary>A client of the server that was named, else of the one that <c>serve</c> would be with the same settings.</summary>
    /// <exception cref="CliException">The address, the key, the roots or those settings cannot be used.</exception>
    public LlmServeClient Open(ParseResult parsed, string? address, IReadOnlyDictionary<string, string> environment)
    {
        var options = Read(parsed, environment);
        if (address is not null)
        {
            return ServerAddress.Open(address, options);
        }

        var own = OwnServer.Find(environment);
        return ServerAddress.Open(own.Address, options.TrustedRoots is null ? options with { ServerCertificate = own.Certificate } : options);
    }

    private void RequireServer(CommandResult result, Option<string?> server)
    {
        Option[] own = [_key, _ca];
        if (result.GetResult(server) is null && own.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } extra)
        {
            result.AddError($"{extra.Name} needs --server: without it the model runs in this process");
        }
    }

    private static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static X509Certificate2Collection ReadRoots(string file, string origin)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(file);
            return roots.Count > 0 ? roots : throw new CliException($"{origin}: {file} has no certificate; a PEM file has 'BEGIN CERTIFICATE'", ExitCode.Usage);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"{origin}: cannot read certificates from {file}: {error.Message}", ExitCode.Failure, error);
        }
    }
}
