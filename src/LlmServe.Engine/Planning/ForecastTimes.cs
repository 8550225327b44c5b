namespace LlmServe.Engine.Planning;

/// <summary>When the request of a forecast gets where, in seconds from now.</summary>
/// <param name="Wait">Its first row runs.</param>
/// <param name="FirstToken">Its first token is there.</param>
/// <param name="End">Its last token is there.</param>
/// <param name="TokensPerSecond">Speed in between.</param>
internal readonly record struct ForecastTimes(double Wait, double FirstToken, double End, double TokensPerSecond)
{
    /// <summary>Where <see cref="FirstToken"/> should fall.</summary>
    public PredictedRange FirstTokenRange { get; init; }

    /// <summary>Where <see cref="TokensPerSecond"/> should fall.</summary>
    public PredictedRange TokensPerSecondRange { get; init; }

    /// <summary>The same when a share of its prompt need not be read.</summary>
    public ForecastTimes WithCached(double share)
    {
        double saved = (FirstToken - Wait) * share;
        double left = FirstToken > 0 ? (FirstToken - saved) / FirstToken : 1;
        return this with
        {
            FirstToken = FirstToken - saved,
            FirstTokenRange = new PredictedRange(FirstTokenRange.Low * left, FirstTokenRange.High * left),
            End = End - saved,
        };
    }
}
