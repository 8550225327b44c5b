using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;

namespace LlmServe.Cli.App;

/// <summary>Why no connection came about, for the person who typed the address.</summary>
internal static class ConnectionProblem
{
    /// <summary>One sentence about a failure of TLS or of HTTP/2 itself, with the flag that helps; null for every other failure.</summary>
    /// <param name="status">The failed call's status.</param>
    /// <param name="address">The server, as people write it.</param>
    public static string? Explain(Status status, string address)
    {
        bool secure = address.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        for (var cause = status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
            {
                return $"{address} {ExplainTls(cause.Message)}";
            }

            if (!secure && cause is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError })
            {
                return $"{address} answers, but not with HTTP/2 in clear text; if that server has a certificate, write https:// (and --tls-ca FILE where no public root stands behind it)";
            }
        }

        return null;
    }

    /// <summary>The runtime's message holds the names of the flags that say what is wrong with a certificate.</summary>
    private static string ExplainTls(string message)
    {
        if (message.Contains(nameof(SslPolicyErrors.RemoteCertificateNameMismatch), StringComparison.Ordinal))
        {
            return "shows a certificate for other names; use a name or address that it holds, or give the server a certificate for this one";
        }

        if (message.Contains(nameof(X509ChainStatusFlags.NotTimeValid), StringComparison.Ordinal))
        {
            return "shows a certificate that is not valid today; renew it on the server, or set the clock right";
        }

        return message.Contains(nameof(SslPolicyErrors.RemoteCertificateChainErrors), StringComparison.Ordinal)
            || message.Contains(nameof(X509ChainStatusFlags.UntrustedRoot), StringComparison.Ordinal)
            || message.Contains(nameof(X509ChainStatusFlags.PartialChain), StringComparison.Ordinal)
            ? "shows a certificate whose root is not trusted here; name that root, or the certificate itself, with --tls-ca FILE (or LLMSERVE_TLS_CA)"
            : "answers, but not with TLS; if that server has no certificate, write http://";
    }
}
