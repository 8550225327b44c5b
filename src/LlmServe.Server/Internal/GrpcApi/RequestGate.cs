using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using LlmServe.Http;
using LlmServe.Server.Internal.Access;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>
/// Waits for the whole request of a gRPC call before anything else looks at it, and answers what is no request: so a call that is reset, half sent, too
/// large or badly framed costs next to nothing and fails alone. It throws nothing, and parses nothing but the five bytes before the message.
/// </summary>
internal sealed class RequestGate(ServerOptions options, ServingCore core)
{
    /// <summary>Length of a message's prefix: whether it is compressed, and how long it is.</summary>
    private const int PrefixLength = 5;

    /// <summary>Longest time for a whole request.</summary>
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(60);

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        if (http.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.Type is not (MethodType.Unary or MethodType.ServerStreaming))
        {
            await next(http).ConfigureAwait(false);
            return;
        }

        using var bytes = new RequestBytes(core.Budget, http);
        var failure = GrpcTimeout.Check(http.Request.Headers) ?? await WaitAsync(http, bytes).ConfigureAwait(false);
        if (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        await (failure is null ? next(http) : Refusal.WriteAsync(http, failure)).ConfigureAwait(false);
    }

    /// <summary>Waits until the request is there, in the server's buffer.</summary>
    /// <returns>Null, or why it is none.</returns>
    private async ValueTask<Failure?> WaitAsync(HttpContext http, RequestBytes bytes)
    {
        var body = http.Request.BodyReader;
        if (body.TryRead(out var read) && Look(body, read, bytes) is { } known)
        {
            return known.Failure;
        }

        using var pause = new RequestPause(body, options.Http.LongestPause, LongestRead);
        try
        {
            while (true)
            {
                read = await body.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                if (read.IsCanceled)
                {
                    body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    return new Failure(FailureKind.DeadlineExceeded, "the request did not arrive in time: its client paused while it was sending it");
                }

                if (Look(body, read, bytes) is { } answer)
                {
                    return answer.Failure;
                }

                pause.Restart();
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or BadHttpRequestException)
        {
            // The client reset the call or went away.
            return Failure.Cancelled;
        }
    }

    /// <summary>Looks at what has come so far. Null: more is needed.</summary>
    private Verdict? Look(PipeReader body, ReadResult read, RequestBytes bytes)
    {
        var buffer = read.Buffer;
        var verdict = Judge(buffer, read.IsCompleted, bytes);
        body.AdvanceTo(buffer.Start, verdict is { Failure: null } ? buffer.Start : buffer.End);
        return verdict;
    }

    private Verdict? Judge(ReadOnlySequence<byte> buffer, bool isWhole, RequestBytes bytes)
    {
        if (buffer.Length < PrefixLength)
        {
            return isWhole ? new Verdict(Broken(buffer.IsEmpty ? "the request has no message" : "the request ends before its message")) : null;
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        long beyond = buffer.Length - PrefixLength - length;
        return prefix[0] switch
        {
            // A compressed request could unfold to any size; the library says that it takes none.
            1 => isWhole || buffer.Length > options.MaxRequestBytes ? new Verdict(null) : null,
            not 0 => new Verdict(Broken($"the message begins with {prefix[0]}, where gRPC has 0 or 1")),
            _ when length > options.MaxRequestBytes => new Verdict(new Failure(
                FailureKind.TooLarge, $"the request has {length} bytes; this server takes at most {options.MaxRequestBytes}")),
            _ when beyond > 0 => new Verdict(Broken("the request has more than one message")),
            _ when bytes.Take(length) is { } noRoom => new Verdict(noRoom),
            _ when isWhole => new Verdict(beyond == 0 ? null : Broken($"the request ends {-beyond} bytes before its message does")),
            _ => null,
        };
    }

    private static Failure Broken(string problem) => new(FailureKind.Invalid, problem);

    /// <summary>What is known of a request: it is whole (null), or wrong.</summary>
    private readonly record struct Verdict(Failure? Failure);
}
