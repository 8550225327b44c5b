using System.Globalization;
using System.Text;
using LlmServe.Http;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal.Access;

/// <summary>Answers a request that gets no further, in the words of its protocol.</summary>
internal static class Refusal
{
    private const string Grpc = "application/grpc";

    /// <summary>Whether a request is a gRPC call.</summary>
    public static bool IsGrpc(HttpRequest request) => request.ContentType?.StartsWith(Grpc, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Writes the whole answer.</summary>
    public static Task WriteAsync(HttpContext http, Failure failure)
    {
        if (!IsGrpc(http.Request))
        {
            return OpenAiErrors.WriteAsync(http, failure);
        }

        var status = GrpcStatus.Of(failure);
        http.Response.ContentType = Grpc;
        http.Response.Headers["grpc-status"] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = Encode(status.Detail);
        return Task.CompletedTask;
    }

    /// <summary>The header holds visible ASCII and blanks without the percent sign; all else is escaped byte by byte, as gRPC says.</summary>
    private static string Encode(string detail)
    {
        if (detail.All(IsPlain))
        {
            return detail;
        }

        var encoded = new StringBuilder();
        foreach (byte unit in Encoding.UTF8.GetBytes(detail))
        {
            _ = IsPlain((char)unit) ? encoded.Append((char)unit) : encoded.Append(CultureInfo.InvariantCulture, $"%{unit:X2}");
        }

        return encoded.ToString();
    }

    private static bool IsPlain(char unit) => unit is >= ' ' and <= '~' and not '%';
}
