using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>The deadline that a client sends along. The library runs a call without one if it cannot read it, which is not what the client asked for.</summary>
internal static class GrpcTimeout
{
    private const string Header = "grpc-timeout";

    /// <summary>Most digits that gRPC allows.</summary>
    private const int MostDigits = 8;

    /// <summary>Null, or what is wrong with the header.</summary>
    public static Failure? Check(IHeaderDictionary headers)
    {
        string? timeout = headers[Header];
        if (timeout is null)
        {
            return null;
        }

        int digits = 0;
        bool zero = true;
        while (digits < timeout.Length && char.IsAsciiDigit(timeout[digits]))
        {
            zero &= timeout[digits++] == '0';
        }

        if (digits is 0 or > MostDigits || digits != timeout.Length - 1 || !"HMSmun".Contains(timeout[^1], StringComparison.Ordinal))
        {
            return Failure.Invalid(Header, $"is '{Failure.Shorten(timeout)}'; allowed are 1 … {MostDigits} digits and one of H, M, S, m, u, n");
        }

        return zero ? Failure.DeadlineExceeded : null;
    }
}
