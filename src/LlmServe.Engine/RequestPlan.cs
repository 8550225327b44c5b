namespace LlmServe.Engine;

/// <summary>
/// What a request would get if it came now: computed from the compiled costs of the ticks that the scheduler would make, not measured. It counts on
/// every known request using up its tokens (see <see cref="LlmEngine.Plan(GenerationRequest)"/>) and on nobody else arriving.
/// </summary>
/// <param name="Accepted">Whether it would be taken.</param>
/// <param name="Refusal">Why not, for people; null when accepted.</param>
/// <param name="Wait">Until its first prompt row runs: waiting for a slot, for KV blocks, and for older prompts.</param>
/// <param name="TimeToFirstToken">Until its first token: <paramref name="Wait"/>, and reading the prompt in chunks beside the others.</param>
/// <param name="TokensPerSecond">Speed of its answer after that, with those who will run beside it.</param>
/// <param name="Total">Until its last token.</param>
/// <param name="Running">Sequences that hold a slot now.</param>
/// <param name="Waiting">Requests that wait for one now.</param>
public sealed record RequestPlan(
    bool Accepted, string? Refusal, TimeSpan Wait, TimeSpan TimeToFirstToken, double TokensPerSecond, TimeSpan Total, int Running, int Waiting)
{
    /// <summary>Where <see cref="TimeToFirstToken"/> should fall, in seconds.</summary>
    public PredictedRange TimeToFirstTokenRange { get; init; }

    /// <summary>Where <see cref="TokensPerSecond"/> should fall.</summary>
    public PredictedRange TokensPerSecondRange { get; init; }
}
