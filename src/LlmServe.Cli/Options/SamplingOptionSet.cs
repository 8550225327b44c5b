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

    /// <summary>What an answer may be; null: anything.</summary>
    public GivenRule? Rule { get; init; }
}

/// <summary>The sampling options shared by <c>chat</c> and <c>run</c>, with the command's own defaults.</summary>
internal sealed class SamplingOptionSet
{
    /// <summary>
    /// What <c>chat</c> does unless told otherwise: a little randomness and a mild penalty, since small models that decode greedily repeat themselves. The seed is fixed, so
    /// the same conversation still gives the same answers.
    /// </summary>
    public static readonly SamplingSettings ChatDefaults = new() { Temperature = 0.2f, TopP = 0.9f, RepetitionPenalty = 1.1f, MaxTokens = 1024 };

    /// <summary>What <c>run</c> does unless told otherwise: greedy, and not to the end of the context.</summary>
    public static readonly SamplingSettings RunDefaults = new() { MaxTokens = 512 };

    private readonly SamplingSettings _defaults;
    private readonly Option<float?> _temperature;
    private readonly Option<int?> _topK = OptionFactory.Integer("--top-k", "Keep the K likeliest tokens; 0 keeps all (default 0)", 0);
    private readonly Option<float?> _topP;
    private readonly Option<float?> _minP = OptionFactory.Number("--min-p", "Drop tokens less likely than this share of the likeliest (default 0)", 0, 1);
    private readonly Option<ulong?> _seed = OptionFactory.Key("--seed", "Key of the random draws; the same seed gives the same answer (default 0)");
    private readonly Option<float?> _repetition;
    private readonly Option<int?> _maxTokens;
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends an answer; may be repeated", HelpName = "TEXT" };

    private SamplingOptionSet(SamplingSettings defaults)
    {
        _defaults = defaults;
        _temperature = OptionFactory.Number("--temperature", $"Randomness; 0 is greedy (default {Text(defaults.Temperature, 0)})", 0, 100);
        _topP = OptionFactory.Number("--top-p", $"Keep the likeliest tokens up to this share (default {Text(defaults.TopP, 1)})", 0, 1);
        _repetition = OptionFactory.Number(
            "--repetition-penalty", $"Make repeated tokens less likely; 1 is off (default {Text(defaults.RepetitionPenalty, 1)})", 0.01f, 100);
        _maxTokens = OptionFactory.Integer("--max-tokens", $"Most tokens of an answer (default {defaults.MaxTokens}; of a server's answer: what that server gives)", 1);
    }

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static SamplingOptionSet AddTo(Command command, SamplingSettings defaults)
    {
        var options = new SamplingOptionSet(defaults);
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

    /// <summary>What the command line says, else the defaults.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ofServer">Whether a server answers: it has limits of its own for the length of an answer, per API key too.</param>
    public SamplingSettings Read(ParseResult parsed, bool ofServer) => new()
    {
        Temperature = parsed.GetValue(_temperature) ?? _defaults.Temperature,
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP) ?? _defaults.TopP,
        MinP = parsed.GetValue(_minP),
        Seed = parsed.GetValue(_seed),
        RepetitionPenalty = parsed.GetValue(_repetition) ?? _defaults.RepetitionPenalty,
        MaxTokens = parsed.GetValue(_maxTokens) ?? (ofServer ? null : _defaults.MaxTokens),
        Stop = parsed.GetValue(_stop) ?? [],
    };

    private static string Text(float? value, float neutral) => (value ?? neutral).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
