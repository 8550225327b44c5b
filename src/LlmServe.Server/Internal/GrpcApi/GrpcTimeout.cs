using System.Globalization;
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

        int digits = timeout.TakeWhile(char.IsAsciiDigit).Count();
        if (digits is 0 or > MostDigits || digits != timeout.Length - 1 || !"HMSmun".Contains(timeout[^1], StringComparison.Ordinal))
        {
            return Failure.Invalid(Header, $"is '{Failure.Shorten(timeout)}'; allowed are 1 … {MostDigits} digits and one of H, M, S, m, u, n");
        }

        // The library counts in units of 100 ns, and takes none of them for no deadline.
        long least = timeout[^1] == 'n' ? TimeSpan.NanosecondsPerTick : 1;
        return long.Parse(timeout.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture) < least ? Failure.DeadlineExceeded : null;
    }
}
