using System.CommandLine;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Hosting;

namespace LlmServe.Cli.Options;

/// <summary>The options shared by every command that runs a model.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _model = CreateModelOption();

    private readonly Option<ActivationMode?> _activations = OptionFactory.Choice(
        "--activations", "How rows enter quantized matrices (default int8)", ("int8", ActivationMode.Int8), ("f32", ActivationMode.F32));

    private readonly Option<KvElement?> _kv = OptionFactory.Choice(
        "--kv", "Element type of the KV cache (default f16)", ("f16", KvElement.F16), ("f32", KvElement.F32), ("q8_0", KvElement.Q8_0));

    private readonly Option<int?> _lanes = OptionFactory.Integer("--lanes", "Threads that compute (default: one per processor)", 1, 1024);

    private readonly Option<CpuIsa?> _isa = OptionFactory.Choice(
        "--isa", "Instruction set (default: the best of this processor)", ("scalar", CpuIsa.Scalar), ("avx2", CpuIsa.Avx2), ("avx512", CpuIsa.Avx512), ("neon", CpuIsa.Neon), ("avx512vnni", CpuIsa.Avx512Vnni));

    private readonly Option<int?> _context = OptionFactory.Integer("--context", "Most positions of a sequence (default: what the model says)", 1);

    private readonly Option<string?> _repack = OptionFactory.Text(
        "--repack-cache", "WHERE", "Keep repacked weights for the next start: auto (the user's cache folder), off, beside (beside the model) or a folder (default auto, or LLMSERVE_REPACK_CACHE)");

    private readonly Option<int?> _speculate = SpeculationOptions.CreateSpeculate();

    private readonly Option<string?> _draft = SpeculationOptions.CreateDraft();

    private readonly bool _withContext;

    private ModelOptions(bool withContext) => _withContext = withContext;

    /// <summary>All options, in the order of help.</summary>
    private IEnumerable<Option> All => _withContext
        ? [_model, _activations, _kv, _lanes, _isa, _context, _speculate, _draft, _repack]
        : [_model, _activations, _kv, _lanes, _isa, _repack];

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    /// <param name="command">The command.</param>
    /// <param name="withContext">Whether it generates, so that <c>--context</c> and the options for guessing ahead make sense for it.</param>
    public static ModelOptions AddTo(Command command, bool withContext = true)
    {
        var options = new ModelOptions(withContext);
        foreach (var option in options.All)
        {
            command.Options.Add(option);
        }

        return options;
    }

    /// <summary><c>--model</c> alone, for commands that read a file without running it.</summary>
    public static Option<string?> CreateModelOption() =>
        OptionFactory.Text("--model", "PATH", "GGUF file (default: the embedded model, or LLMSERVE_MODEL)");

    /// <summary>What the command line says.</summary>
    public ModelSettings Read(ParseResult parsed) => new()
    {
        Path = parsed.GetValue(_model),
        Cpu = ReadCpu(parsed),
        RepackCache = parsed.GetValue(_repack),
        Speculate = _withContext ? SpeculationOptions.Guesses(parsed.GetValue(_speculate)) : null,
        Draft = _withContext ? parsed.GetValue(_draft) : null,
    };

    private CpuOptions ReadCpu(ParseResult parsed) => new()
    {
        Activations = parsed.GetValue(_activations) ?? ActivationMode.Int8,
        Kv = parsed.GetValue(_kv) ?? KvElement.F16,
        Lanes = parsed.GetValue(_lanes) ?? 0,
        Isa = parsed.GetValue(_isa),
        ContextLength = _withContext ? parsed.GetValue(_context) : null,
    };

    /// <summary>Refuses these options beside <paramref name="server"/>: a running server has its own model.</summary>
    public void ExcludeBeside(Command command, Option<string?> server) => command.Validators.Add(result =>
    {
        if (result.GetResult(server) is null)
        {
            return;
        }

        foreach (var option in All)
        {
            if (result.GetResult(option) is { Implicit: false })
            {
                result.AddError($"{option.Name} cannot be combined with --server; the running server has its own model");
                return;
            }
        }
    });
}
