using Google.Protobuf;
using LlmServe.Text;

namespace LlmServe.Protocol;

/// <summary>Turns an engine's updates into deltas.</summary>
internal static class Deltas
{
    /// <summary>Makes a delta of an update; whatever it held is gone.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="update">The update.</param>
    /// <param name="tokenizer">The model's.</param>
    public static void Fill(V1.GenerationDelta delta, Engine.GenerationUpdate update, ITokenizer tokenizer)
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
