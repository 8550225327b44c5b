using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using LlmServe.Engine;
using LlmServe.Text;

namespace LlmServe.Server.Internal;

/// <summary>Runs a generation and sends its updates: the one way from the engine to a client.</summary>
internal sealed class GenerationStream(TokenLimits limits)
{
    /// <summary>Submits <paramref name="request"/> and passes every update to <paramref name="send"/> until the last.</summary>
    /// <param name="model">The model that runs it.</param>
    /// <param name="request">A checked request.</param>
    /// <param name="promptField">The request's field that the prompt came from, for error messages.</param>
    /// <param name="send">Sends one delta to the client; it paces the generation.</param>
    /// <param name="context">The call; its end, however it comes, frees the sequence.</param>
    public async Task RunAsync(
        ServedModel model, GenerationRequest request, string promptField, Func<V1.GenerationDelta, Task> send, ServerCallContext context)
    {
        var caller = Caller.Of(context.GetHttpContext());
        request = limits.Apply(request, promptField, caller) with { Client = caller.Name, Priority = caller.Priority };

        var record = CallRecord.Of(context.GetHttpContext());
        record.Model = model.Id;

        // Also cancelled when sending fails, so that no exception leaves the sequence running.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        try
        {
            var updates = Submit(model, request, promptField, ending.Token);
            GenerationUpdate? last = null;
            await foreach (var update in updates.ReadAllAsync(context.CancellationToken).ConfigureAwait(false))
            {
                last = update;
                if (update.FinishReason is not (FinishReason.Cancelled or FinishReason.Displaced))
                {
                    await send(ToDelta(update, model.Engine.Tokenizer)).ConfigureAwait(false);
                }
            }

            Finish(last, record, context);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
        }
    }

    private static ChannelReader<GenerationUpdate> Submit(
        ServedModel model, GenerationRequest request, string promptField, CancellationToken cancellation)
    {
        try
        {
            return model.Engine.Submit(request, cancellation);
        }
        catch (EngineException exception) when (exception is { Error: EngineError.InvalidArgument, Field: not null })
        {
            throw OptionsReader.Translate(exception, promptField);
        }
    }

    private static void Finish(GenerationUpdate? last, CallRecord record, ServerCallContext context)
    {
        record.Finished(last);
        switch (last?.FinishReason)
        {
            case FinishReason.Stop or FinishReason.Length:
                return;
            case FinishReason.Aborted:
                throw Failures.Stopping();
            case FinishReason.Displaced:
                throw new RpcException(new Status(StatusCode.ResourceExhausted, last.Message!));
            case FinishReason.Cancelled:
                throw new OperationCanceledException(context.CancellationToken);
            default:
                throw new InvalidOperationException("The engine closed a stream without saying why it ended.");
        }
    }

    private static V1.GenerationDelta ToDelta(GenerationUpdate update, ITokenizer tokenizer)
    {
        var delta = new V1.GenerationDelta { Text = update.Text, FinishReason = ToProto(update.FinishReason) };
        delta.TokenIds.AddRange(update.Tokens);
        foreach (var token in update.LogProbabilities ?? [])
        {
            var logprob = new V1.TokenLogProbability
            {
                TokenId = token.Token,
                LogProbability = token.LogProbability,
                TokenBytes = BytesOf(tokenizer, token.Token),
            };
            logprob.Top.AddRange(token.Top.Select(top =>
                new V1.TopLogProbability { TokenId = top.Key, LogProbability = top.Value, TokenBytes = BytesOf(tokenizer, top.Key) }));
            delta.Logprobs.Add(logprob);
        }

        if (update.Usage is { } usage)
        {
            delta.Usage = new V1.Usage
            {
                PromptTokens = usage.PromptTokens,
                CompletionTokens = usage.CompletionTokens,
                CachedPromptTokens = usage.CachedPromptTokens,
            };
        }

        if (update.Timings is { } timings)
        {
            delta.Timings = ToProto(timings);
        }

        return delta;
    }

    private static V1.Timings ToProto(Timings timings)
    {
        var proto = new V1.Timings { QueueSeconds = timings.Queue, PrefillSeconds = timings.Prefill, DecodeSeconds = timings.Decode };
        if (timings.TimeToFirstToken is { } firstToken)
        {
            proto.TimeToFirstTokenSeconds = firstToken;
        }

        if (timings.TokensPerSecond is { } speed)
        {
            proto.TokensPerSecond = speed;
        }

        if (timings.PredictedTimeToFirstToken is { } predictedFirst)
        {
            proto.PredictedTimeToFirstTokenSeconds = predictedFirst;
        }

        if (timings.PredictedTokensPerSecond is { } predictedSpeed)
        {
            proto.PredictedTokensPerSecond = predictedSpeed;
        }

        return proto;
    }

    private static ByteString BytesOf(ITokenizer tokenizer, int id) => ByteString.CopyFrom(tokenizer.BytesOf(id));

    private static V1.FinishReason ToProto(FinishReason reason) => reason switch
    {
        FinishReason.Stop => V1.FinishReason.Stop,
        FinishReason.Length => V1.FinishReason.Length,
        FinishReason.Aborted => V1.FinishReason.Aborted,
        _ => V1.FinishReason.Unspecified,
    };
}
