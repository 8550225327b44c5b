using System.Security.Cryptography.X509Certificates;

namespace LlmServe.Client;

/// <summary>How a client connects.</summary>
public sealed record LlmServeClientOptions
{
    /// <summary>Longest time that a call may take, from its start to its last message; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Largest message taken from the server, in bytes.</summary>
    public int MaxReceiveMessageBytes { get; init; } = 16 << 20;

    /// <summary>
    /// API key, sent with every call as <c>authorization: Bearer KEY</c>; null: none. It is sent to http addresses too, where whoever listens on the way
    /// can read it.
    /// </summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// The only roots that an https server's certificate may lead to, such as the self-signed certificate of the server itself; null: those of this
    /// machine. The certificate's name must match the address either way.
    /// </summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>
    /// The very certificate that an https server must show, whatever names it holds and whoever signed it; null: the usual rules count. For a server on this machine whose
    /// certificate is at hand and names its public address only.
    /// </summary>
    public X509Certificate2? ServerCertificate { get; init; }

    /// <summary>All but the key, which belongs in no log.</summary>
    public override string ToString() =>
        $"LlmServeClientOptions {{ Timeout = {Timeout}, MaxReceiveMessageBytes = {MaxReceiveMessageBytes}, TrustedRoots = {TrustedRoots?.Count}, ServerCertificate = {ServerCertificate?.Subject} }}";
}
