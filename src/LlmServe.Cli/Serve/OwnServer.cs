using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;

namespace LlmServe.Cli.Serve;

/// <summary>
/// The server that <c>llmserve serve</c> would be with the same environment, configuration file and working directory: whom <c>health</c> and <c>plan</c> ask unless told
/// otherwise. So a container's health check follows the port and the certificate that its server was given.
/// </summary>
/// <param name="Address">Where it listens, seen from this machine.</param>
/// <param name="Certificate">What it shows; null: it has no TLS.</param>
internal sealed record OwnServer(string Address, X509Certificate2? Certificate)
{
    /// <summary>Finds it.</summary>
    /// <exception cref="CliException">A setting cannot be read.</exception>
    public static OwnServer Find(IReadOnlyDictionary<string, string> environment)
    {
        var values = ConfigurationValues.Load(null, environment);
        string port = values.Find("port")?.Text ?? ServerAddress.DefaultPort.ToString(CultureInfo.InvariantCulture);
        string host = values.Find("host")?.Text ?? "127.0.0.1";
        if (IPAddress.TryParse(host, out var ip))
        {
            host = ip.Equals(IPAddress.Any) ? "127.0.0.1" : ip.Equals(IPAddress.IPv6Any) ? "[::1]" : ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{ip}]" : host;
        }

        var certificate = ReadCertificate(values);
        return new OwnServer($"{(certificate is null ? "http" : "https")}://{host}:{port}", certificate);
    }

    private static X509Certificate2? ReadCertificate(ConfigurationValues values)
    {
        var pem = values.Find("tls_cert");
        var source = pem ?? values.Find("tls_pfx");
        if (source is null)
        {
            return null;
        }

        try
        {
            return pem is not null
                ? X509Certificate2.CreateFromPem(File.ReadAllText(source.Text))
                : X509CertificateLoader.LoadPkcs12FromFile(source.Text, values.Find(ServeConfiguration.TlsPassword)?.Text);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"{source.Source}: cannot read a certificate from {source.Text}: {error.Message}", ExitCode.Failure, error);
        }
    }
}
