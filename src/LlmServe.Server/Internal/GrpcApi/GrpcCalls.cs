using Google.Protobuf;
using Grpc.Core;
using LlmServe.Http;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>Runs gRPC calls through the core: what a handler throws or leaves as an outcome becomes the call's status.</summary>
internal sealed class GrpcCalls(ServingCore core)
{
    /// <summary>Answers with a stream. A failure is set as the call's status, without an exception.</summary>
    /// <param name="incoming">The request.</param>
    /// <param name="context">The call.</param>
    /// <param name="read">Makes of it what the core takes. [any thread]</param>
    /// <param name="answer">Answers.</param>
    public async Task StreamAsync<TRequest, TInput>(
        Incoming<TRequest> incoming, ServerCallContext context, Func<TRequest, TInput> read, Func<ServedCall, TInput, ValueTask> answer)
        where TRequest : class, IMessage<TRequest>, new() where TInput : class
    {
        var failure = await core.Calls.RunAsync(CallOf(context, isStream: true), async call =>
        {
            if (await incoming.ReadAsync(call, core, read).ConfigureAwait(false) is { } input)
            {
                await answer(call, input).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
        if (failure is not null)
        {
            context.Status = GrpcStatus.Of(failure);
            GrpcStatus.AddTo(context.ResponseTrailers, failure);
        }
    }

    /// <summary>Answers with one message. A failure is thrown: the library has no other way for such methods.</summary>
    /// <param name="incoming">The request.</param>
    /// <param name="context">The call.</param>
    /// <param name="read">Makes of it what the core takes. [any thread]</param>
    /// <param name="answer">Answers; null where the call's outcome says why not.</param>
    public async Task<TResponse> AnswerAsync<TRequest, TInput, TResponse>(
        Incoming<TRequest> incoming, ServerCallContext context, Func<TRequest, TInput> read, Func<ServedCall, TInput, ValueTask<TResponse?>> answer)
        where TRequest : class, IMessage<TRequest>, new() where TInput : class where TResponse : class
    {
        TResponse? response = null;
        var failure = await core.Calls.RunAsync(CallOf(context, isStream: false), async call =>
        {
            if (await incoming.ReadAsync(call, core, read).ConfigureAwait(false) is { } input)
            {
                response = await answer(call, input).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
        return failure is null ? response! : throw GrpcStatus.ToException(failure);
    }

    private static ServedCall CallOf(ServerCallContext context, bool isStream)
    {
        var http = context.GetHttpContext();
        return new ServedCall
        {
            Method = context.Method,
            Client = ClientFeature.Of(http),
            RequestId = http.TraceIdentifier,
            IsStream = isStream,
            Aborted = context.CancellationToken,
            Deadline = context.Deadline,
            Request = http.Features.Get<RequestLease>(),
        };
    }
}
