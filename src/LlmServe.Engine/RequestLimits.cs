namespace LlmServe.Engine;

/// <summary>Bounds on what one request may ask for.</summary>
public static class RequestLimits
{
    /// <summary>Most alternatives reported with log-probabilities.</summary>
    public const int MaxLogProbabilities = 20;

    /// <summary>Most stop texts.</summary>
    public const int MaxStops = 16;

    /// <summary>Most characters (UTF-16) of a stop text.</summary>
    public const int MaxStopLength = 1024;

    /// <summary>Most positions of <see cref="GenerationRequest.LikelyPrefixes"/>.</summary>
    public const int MaxLikelyPrefixes = 64;

    /// <summary>Lowest priority.</summary>
    public const int MinPriority = -10;

    /// <summary>Highest priority.</summary>
    public const int MaxPriority = 10;

    /// <summary>Most characters (UTF-16) of a client's name.</summary>
    public const int MaxClientLength = 256;
}
