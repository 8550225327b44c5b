using LlmServe.Engine;

namespace LlmServe.Http;

/// <summary>How requests sample that do not say it.</summary>
public sealed record DefaultSampling
{
    private readonly SamplingOptions? _options;

    private DefaultSampling(SamplingOptions? options) => _options = options;

    /// <summary>What the model's file recommends, else temperature 0.8, top-p 0.95 and min-p 0.05.</summary>
    public static DefaultSampling Model { get; } = new((SamplingOptions?)null);

    /// <summary>The likeliest token, always.</summary>
    public static DefaultSampling Greedy { get; } = new(new SamplingOptions());

    /// <summary>These options.</summary>
    public static DefaultSampling Of(SamplingOptions options) => new(options);

    /// <summary>The options for a model.</summary>
    /// <param name="recommended">What the model's file recommends.</param>
    internal SamplingOptions For(SamplingOptions recommended) => _options ?? recommended;
}
