using System.CommandLine;

namespace LlmServe.Cli.Options;

/// <summary>How to sample and when to stop, as given; null leaves the choice to the server.</summary>
internal sealed record SamplingSettings
{
    /// <summary>0 is greedy.</summary>
    public float? Temperature { get; init; }

    /// <summary>Keep the first k tokens.</summary>
    public int? TopK { get; init; }

    /// <summary>Keep the shortest prefix that reaches this share.</summary>
    public float? TopP { get; init; }

    /// <summary>Keep tokens at least this likely relative to the likeliest.</summary>
    public float? MinP { get; init; }

    /// <summary>Key of the random draws.</summary>
    public ulong? Seed { get; init; }

    /// <summary>1 is off.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>Most tokens of an answer.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Texts that end an answer.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];
}

/// <summary>The sampling options shared by <c>chat</c> and <c>run</c>.</summary>
internal sealed class SamplingOptionSet
{
    private readonly Option<float?> _temperature = OptionFactory.Number("--temperature", "Randomness; 0 is greedy (default 0)", 0, 100);
    private readonly Option<int?> _topK = OptionFactory.Integer("--top-k", "Keep the K likeliest tokens; 0 keeps all (default 0)", 0);
    private readonly Option<float?> _topP = OptionFactory.Number("--top-p", "Keep the likeliest tokens up to this share (default 1)", 0, 1);
    private readonly Option<float?> _minP = OptionFactory.Number("--min-p", "Drop tokens less likely than this share of the likeliest (default 0)", 0, 1);
    private readonly Option<ulong?> _seed = OptionFactory.Key("--seed", "Key of the random draws; the same seed gives the same answer (default 0)");
    private readonly Option<float?> _repetition = OptionFactory.Number("--repetition-penalty", "Make repeated tokens less likely; 1 is off (default 1)", 0.01f, 100);
    private readonly Option<int?> _maxTokens = OptionFactory.Integer("--max-tokens", "Most tokens of an answer (default: what the context holds)", 1);
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends an answer; may be repeated", HelpName = "TEXT" };

    private SamplingOptionSet()
    {
    }

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static SamplingOptionSet AddTo(Command command)
    {
        var options = new SamplingOptionSet();
        Option[] all =
        [
            options._temperature, options._topK, options._topP, options._minP, options._seed, options._repetition, options._maxTokens, options._stop,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        return options;
    }

    /// <summary>What the command line says.</summary>
    public SamplingSettings Read(ParseResult parsed) => new()
    {
        Temperature = parsed.GetValue(_temperature),
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP),
        MinP = parsed.GetValue(_minP),
        Seed = parsed.GetValue(_seed),
        RepetitionPenalty = parsed.GetValue(_repetition),
        MaxTokens = parsed.GetValue(_maxTokens),
        Stop = parsed.GetValue(_stop) ?? [],
    };
}
