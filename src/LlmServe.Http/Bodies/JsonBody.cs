using System.Buffers;
using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>
/// Reads the JSON of a request, whatever its content type says, within the server's limits: bytes, pauses, depth. Long texts are parsed on the text
/// workers. Nothing is thrown for a client that leaves.
/// </summary>
internal static class JsonBody
{
    /// <summary>Longest text that is parsed at once.</summary>
    private const int Short = 8 << 10;

    /// <summary>Longest time for a whole request.</summary>
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(60);

    private static readonly JsonDocumentOptions Parsing = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Reads a request's JSON object.</summary>
    /// <param name="http">The request.</param>
    /// <param name="call">Its call.</param>
    /// <param name="core">What it may take.</param>
    /// <param name="bytes">Counts its bytes.</param>
    /// <param name="longestPause">Longest pause of the client.</param>
    /// <returns>The document, to be disposed; null: the client left, or there is no room, as the call's outcome says.</returns>
    /// <exception cref="RequestException">It is too large, too slow, or no JSON object.</exception>
    public static async ValueTask<JsonDocument?> ReadAsync(HttpContext http, ServedCall call, ServingCore core, RequestBytes bytes, TimeSpan longestPause)
    {
        if (await ReceiveAsync(http, call, core.Options.MaxRequestBytes, bytes, longestPause).ConfigureAwait(false) is not { } text)
        {
            return null;
        }

        return text.Length <= Short ? Parse(text) : await core.Texts.WorkAsync(call, () => Parse(text)).ConfigureAwait(false);
    }

    private static JsonDocument Parse(byte[] text)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text, Parsing);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new Failure(FailureKind.Invalid, $"the body is no valid JSON text: {exception.Message}") { Code = "invalid_json" }.ToException();
        }

        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document
            : throw new Failure(
                FailureKind.Invalid, $"the body is a JSON {JsonText.NameOf(document.RootElement.ValueKind)}; an object is needed") { Code = "invalid_json" }.ToException();
    }

    private static async ValueTask<byte[]?> ReceiveAsync(HttpContext http, ServedCall call, int most, RequestBytes bytes, TimeSpan longestPause)
    {
        Check(http.Request.ContentLength ?? 0, most, bytes);
        var body = http.Request.BodyReader;
        using var pause = new RequestPause(body, longestPause, LongestRead);
        try
        {
            while (true)
            {
                var read = await body.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                Check(read.Buffer.Length, most, bytes);
                if (read.IsCanceled)
                {
                    throw new Failure(FailureKind.DeadlineExceeded, "the request did not arrive in time: its client paused while it was sending it").ToException();
                }

                if (read.IsCompleted)
                {
                    byte[] text = read.Buffer.ToArray();
                    body.AdvanceTo(read.Buffer.End);
                    return text;
                }

                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                pause.Restart();
            }
        }
        catch (Exception exception) when (exception is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            throw TooLarge(most + 1L, most).ToException();
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or BadHttpRequestException)
        {
            call.Outcome = Failure.Cancelled;
            return null;
        }
    }

    private static void Check(long length, int most, RequestBytes bytes)
    {
        if ((length > most ? TooLarge(length, most) : bytes.Take(length)) is { } failure)
        {
            throw failure.ToException();
        }
    }

    private static Failure TooLarge(long length, int most) =>
        new(FailureKind.TooLarge, $"the request has at least {length} bytes; this server takes at most {most}");
}
