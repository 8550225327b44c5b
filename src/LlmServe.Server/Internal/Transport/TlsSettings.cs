using System.Net.Security;

namespace LlmServe.Server.Internal.Transport;

/// <summary>What the server shows in TLS handshakes from now on; it may change while the server runs.</summary>
internal sealed class TlsSettings
{
    private volatile SslServerAuthenticationOptions _options;

    /// <param name="certificate">What to show at first.</param>
    public TlsSettings(ServerCertificate certificate) => _options = OptionsOf(certificate);

    /// <summary>For the next handshake.</summary>
    public SslServerAuthenticationOptions Current => _options;

    /// <summary>Shows another certificate from now on. Connections that are open keep theirs.</summary>
    public void Replace(ServerCertificate certificate) => _options = OptionsOf(certificate);

    private static SslServerAuthenticationOptions OptionsOf(ServerCertificate certificate) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate.Leaf, certificate.Chain, offline: true),
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    };
}
