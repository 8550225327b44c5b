using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>What all answers together took since the server was started. Thread-safe.</summary>
public sealed class ServingTotals
{
    private readonly Lock _lock = new();
    private TotalsSnapshot _now;

    /// <summary>As of now.</summary>
    public TotalsSnapshot Now
    {
        get
        {
            lock (_lock)
            {
                return _now;
            }
        }
    }

    /// <summary>An answer has ended.</summary>
    internal void Add(Usage usage, Timings timings)
    {
        lock (_lock)
        {
            _now = new TotalsSnapshot(
                _now.PromptTokens + usage.PromptTokens - usage.CachedPromptTokens, _now.PromptSeconds + timings.Prefill,
                _now.AnswerTokens + usage.CompletionTokens, _now.AnswerSeconds + timings.Decode);
        }
    }
}
