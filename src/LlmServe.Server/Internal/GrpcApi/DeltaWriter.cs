using Google.Protobuf;
using Grpc.Core;
using LlmServe.Serving;
using LlmServe.Text;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>Sends a generation's updates as deltas. One delta is filled again and again: once it is written, nobody looks at it any more.</summary>
internal static class DeltaWriter
{
    /// <summary>Sends updates until the last.</summary>
    /// <param name="generation">What to send; null: nothing.</param>
    /// <param name="responses">The client, who paces the generation.</param>
    /// <param name="wrap">Puts the delta into the call's message.</param>
    /// <param name="call">The call.</param>
    public static async ValueTask SendAsync<TResponse>(
        Generation? generation, IServerStreamWriter<TResponse> responses, Func<V1.GenerationDelta, TResponse> wrap, ServedCall call)
    {
        if (generation is null)
        {
            return;
        }

        var delta = new V1.GenerationDelta();
        var response = wrap(delta);
        while (await generation.NextAsync().ConfigureAwait(false) is { } update)
        {
            if (call.Aborted.IsCancellationRequested)
            {
                // Nobody reads any more, and writing would throw; the engine's last update says how far the answer came.
                continue;
            }

            Fill(delta, update, generation.Model.Engine.Tokenizer);
            try
            {
                await responses.WriteAsync(response).ConfigureAwait(false);
            }
            catch (Exception) when (call.Aborted.IsCancellationRequested)
            {
                // The client left while it was sent to.
            }
        }
    }

    private static void Fill(V1.GenerationDelta delta, Engine.GenerationUpdate update, ITokenizer tokenizer)
    {
        delta.Text = update.Text;
        delta.FinishReason = ToProto(update.FinishReason);
        delta.TokenIds.Clear();
        delta.TokenIds.AddRange(update.Tokens);
        delta.Logprobs.Clear();
        foreach (var token in update.LogProbabilities ?? [])
        {
            delta.Logprobs.Add(ToProto(token, tokenizer));
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

        delta.Timings = update.Timings is { } timings ? ToProto(timings) : null;
    }

    private static V1.TokenLogProbability ToProto(Engine.TokenLogProbability token, ITokenizer tokenizer)
    {
        var logprob = new V1.TokenLogProbability
        {
            TokenId = token.Token,
            LogProbability = token.LogProbability,
            TokenBytes = BytesOf(tokenizer, token.Token),
        };
        foreach (var (id, probability) in token.Top)
        {
            logprob.Top.Add(new V1.TopLogProbability { TokenId = id, LogProbability = probability, TokenBytes = BytesOf(tokenizer, id) });
        }

        return logprob;
    }

    private static V1.Timings ToProto(Engine.Timings timings)
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

    private static V1.FinishReason ToProto(Engine.FinishReason reason) => reason switch
    {
        Engine.FinishReason.Stop => V1.FinishReason.Stop,
        Engine.FinishReason.Length => V1.FinishReason.Length,
        Engine.FinishReason.Aborted => V1.FinishReason.Aborted,
        _ => V1.FinishReason.Unspecified,
    };
}
