using System.CommandLine;
using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cli.Bench;

/// <summary>The options of <c>llmserve bench</c>.</summary>
internal sealed class BenchOptions
{
    private const int Most = 1 << 20;

    private readonly Option<string[]> _model = new("--model")
    {
        Description = "GGUF file; may be repeated (default: the embedded model, or LLMSERVE_MODEL)",
        HelpName = "PATH",
    };

    private readonly Option<BlockFormat[]?> _formats = List(
        "--formats", "Re-encode each model's matrices into these formats, such as F32,Q8_0,Q4_0, and compare them", "FORMAT,…", ParseFormat,
        () => $"formats among {string.Join(", ", BlockFormat.All.Where(format => format.CanEncode).Select(format => format.Name))}");

    private readonly Option<ActivationMode[]?> _activations = List(
        "--activations", "How rows enter quantized matrices (default int8)", "int8,f32", ParseActivations, () => "int8, f32 or both");

    private readonly Option<KvElement?> _kv = OptionFactory.Choice(
        "--kv", "Element type of the KV cache (default f16)", ("f16", KvElement.F16), ("f32", KvElement.F32), ("q8_0", KvElement.Q8_0));

    private readonly Option<int?> _lanes = OptionFactory.Integer("--lanes", "Threads that compute (default: one per processor)", 1, 1024);

    private readonly Option<CpuIsa?> _isa = OptionFactory.Choice(
        "--isa", "Instruction set (default: the best of this processor)", ("scalar", CpuIsa.Scalar), ("avx2", CpuIsa.Avx2), ("avx512", CpuIsa.Avx512), ("neon", CpuIsa.Neon), ("avx512vnni", CpuIsa.Avx512Vnni));

    private readonly Option<int[]?> _prompt = Integers("--prompt", "Lengths of prompts to prefill (default 32,128,512)", 1);
    private readonly Option<int[]?> _context = Integers("--context", "Positions filled before decoding (default 0,512,2048)", 0);
    private readonly Option<int?> _generate = OptionFactory.Integer("--generate", "Tokens to decode at each context (default 64)", 1, Most);
    private readonly Option<int?> _runs = OptionFactory.Integer("--runs", "Measured rounds, of which medians count (default 5)", 1, 1000);
    private readonly Option<int?> _streams = OptionFactory.Integer("--streams", "Also decode this many sequences together", 1, 4096);
    private readonly Option<bool> _quick = OptionFactory.Switch("--quick", "A first look: prompts of 32 and 128, no context, 16 tokens, 2 rounds");
    private readonly Option<string?> _text = OptionFactory.Text("--text", "FILE", "Also measure perplexity on this UTF-8 text");
    private readonly Option<int?> _textTokens = OptionFactory.Integer("--text-tokens", "Most tokens of the text (default 2048)", 2, Most);

    /// <summary>Print JSON.</summary>
    public Option<bool> Json { get; } = OptionFactory.Switch("--json", "Print one JSON object");

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static BenchOptions AddTo(Command command)
    {
        var options = new BenchOptions();
        Option[] all =
        [
            options._model, options._formats, options._activations, options._kv, options._lanes, options._isa, options._prompt, options._context,
            options._generate, options._runs, options._streams, options._quick, options._text, options._textTokens, options.Json,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        return options;
    }

    /// <summary>What the command line says.</summary>
    /// <exception cref="CliException">The text cannot be read.</exception>
    public BenchSettings Read(ParseResult parsed)
    {
        var plan = parsed.GetValue(_quick) ? BenchPlan.Quick : BenchPlan.Full;
        IReadOnlyList<string?> models = parsed.GetValue(_model) is { Length: > 0 } given ? given : new string?[] { null };
        return new BenchSettings
        {
            Models = models,
            Formats = Given(parsed, _formats) ?? [],
            Activations = Given(parsed, _activations) ?? [ActivationMode.Int8],
            Cpu = new CpuOptions { Kv = parsed.GetValue(_kv) ?? KvElement.F16, Lanes = parsed.GetValue(_lanes) ?? 0, Isa = parsed.GetValue(_isa) },
            Plan = plan with
            {
                Prompts = Given(parsed, _prompt) ?? plan.Prompts,
                Contexts = Given(parsed, _context) ?? plan.Contexts,
                Generate = parsed.GetValue(_generate) ?? plan.Generate,
                Runs = parsed.GetValue(_runs) ?? plan.Runs,
                Streams = parsed.GetValue(_streams) ?? plan.Streams,
            },
            Text = parsed.GetValue(_text) is { } path ? ReadText(path) : null,
            TextTokens = parsed.GetValue(_textTokens) ?? 2048,
        };
    }

    /// <summary>A list's values, or null where the option is not given: the parser's own default is an empty list.</summary>
    private static T[]? Given<T>(ParseResult parsed, Option<T[]?> option) => parsed.GetValue(option) is { Length: > 0 } values ? values : null;

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"--text {path} cannot be read: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static Option<int[]?> Integers(string name, string description, int minimum) => List<int>(
        name, description, "N,…",
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= minimum && value <= Most ? (true, value) : (false, 0),
        () => $"whole numbers from {minimum} to {Most} with commas between them");

    private static (bool, BlockFormat) ParseFormat(string text)
    {
        var found = BlockFormat.All.FirstOrDefault(format => format.CanEncode && format.Name.Equals(text, StringComparison.OrdinalIgnoreCase));
        return (found is not null, found!);
    }

    private static (bool, ActivationMode) ParseActivations(string text) => text.ToUpperInvariant() switch
    {
        "INT8" => (true, ActivationMode.Int8),
        "F32" => (true, ActivationMode.F32),
        _ => (false, default),
    };

    /// <summary>Distinct values with commas between them.</summary>
    private static Option<T[]?> List<T>(string name, string description, string help, Func<string, (bool Ok, T Value)> parse, Func<string> allowed) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            var items = text.Split(',', StringSplitOptions.TrimEntries).Select(parse).ToList();
            if (items.TrueForAll(item => item.Ok))
            {
                return [.. items.Select(item => item.Value).Distinct()];
            }

            result.AddError($"{name}: found '{text}', allowed are {allowed()}");
            return null;
        },
    };
}
