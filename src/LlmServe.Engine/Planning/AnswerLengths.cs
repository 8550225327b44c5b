namespace LlmServe.Engine.Planning;

/// <summary>
/// How long answers that may end on their own are on average: a moving mean over those that did. Predictions take it for what any of them still has
/// to write, however much it has written, and never more than its limit.
/// </summary>
internal sealed class AnswerLengths
{
    private const double Weight = 1.0 / 16;

    private double _mean = 256;

    /// <summary>Tokens that an answer with this much room is expected to have still.</summary>
    /// <param name="room">Tokens until its limit.</param>
    /// <param name="toTheLimit">Whether only the limit ends it.</param>
    public int Expect(int room, bool toTheLimit) => toTheLimit ? room : Math.Min(room, Math.Max(1, (int)_mean));

    /// <summary>Learns from an answer that ended on its own or at its limit.</summary>
    public void Add(int tokens) => _mean += (tokens - _mean) * Weight;
}
