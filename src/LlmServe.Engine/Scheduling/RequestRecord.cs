using System.Diagnostics;
using LlmServe.Engine.Planning;

namespace LlmServe.Engine.Scheduling;

/// <summary>What is written down about a request while it is served. Times are Stopwatch ticks; 0: not yet.</summary>
internal sealed class RequestRecord
{
    /// <summary>When it was submitted.</summary>
    public long Submitted { get; } = Stopwatch.GetTimestamp();

    /// <summary>When its first prompt row ran.</summary>
    public long Started { get; set; }

    /// <summary>When its first token was chosen.</summary>
    public long FirstToken { get; set; }

    /// <summary>When it last sent an update.</summary>
    public long LastSent { get; set; }

    /// <summary>Positions of the prompt that were found in the prefix cache when the sequence first ran.</summary>
    public int CachedPrompt { get; set; }

    /// <summary>Draft tokens that were verified.</summary>
    public int DraftTokens { get; set; }

    /// <summary>Those among them that were right.</summary>
    public int AcceptedDraftTokens { get; set; }

    /// <summary>Its trace, if anybody listens.</summary>
    public Activity? Activity { get; set; }

    /// <summary>What was predicted for it when it came; null: nothing.</summary>
    public ForecastTimes? Predicted { get; set; }

    /// <summary>Why it ended; none while it runs or waits.</summary>
    public FinishReason Finish { get; set; }

    /// <summary>Tokens read and written.</summary>
    public Usage UsageOf(TokenBuffer tokens) => new(tokens.PromptLength, tokens.AnswerLength, CachedPrompt)
    {
        DraftTokens = DraftTokens, AcceptedDraftTokens = AcceptedDraftTokens,
    };

    /// <summary>Where the time went until now.</summary>
    public Timings TimingsOf(TokenBuffer tokens)
    {
        // A step that was never reached took no time; the one before it lasted until now.
        long now = Stopwatch.GetTimestamp();
        long started = Started == 0 ? now : Started;
        long first = FirstToken == 0 ? now : FirstToken;
        int further = tokens.AnswerLength - 1;
        return new Timings(Seconds(Submitted, started), Seconds(started, first), Seconds(first, now))
        {
            TimeToFirstToken = FirstToken == 0 ? null : Seconds(Submitted, first),
            TokensPerSecond = further > 0 ? further / Math.Max(Seconds(first, now), 1e-9) : null,
            PredictedTimeToFirstTokenRange = Predicted?.FirstTokenRange,
            PredictedTokensPerSecondRange = Predicted?.TokensPerSecondRange,
            PredictedTimeToFirstToken = Predicted?.FirstToken,
            PredictedTokensPerSecond = Predicted?.TokensPerSecond,
        };
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
}
