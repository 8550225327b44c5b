namespace LlmServe.Engine.Planning;

/// <summary>When the request of a forecast gets where, in seconds from now.</summary>
/// <param name="Wait">Its first row runs.</param>
/// <param name="FirstToken">Its first token is there.</param>
/// <param name="End">Its last token is there.</param>
/// <param name="TokensPerSecond">Speed in between.</param>
internal readonly record struct ForecastTimes(double Wait, double FirstToken, double End, double TokensPerSecond)
{
    /// <summary>The same when a share of its prompt need not be read.</summary>
    public ForecastTimes WithCached(double share)
    {
        double saved = (FirstToken - Wait) * share;
        return this with { FirstToken = FirstToken - saved, End = End - saved };
    }
}
