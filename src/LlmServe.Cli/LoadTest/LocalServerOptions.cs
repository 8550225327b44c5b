using System.CommandLine;
using LlmServe.Cli.Options;
using LlmServe.Engine;
using LlmServe.Hosting;

namespace LlmServe.Cli.LoadTest;

/// <summary>How a server in this process is to run; the same options as those of <c>llmserve serve</c>.</summary>
/// <param name="Model">What to load.</param>
/// <param name="Engine">How to schedule.</param>
internal sealed record LocalServerSettings(ModelSettings Model, EngineOptions Engine);

/// <summary>The options for a server in this process.</summary>
internal sealed class LocalServerOptions
{
    private readonly Option<int?> _maxSequences = OptionFactory.Integer("--max-sequences", "Most answers generated at once (default 64)", 1, 1024);

    private readonly Option<float?> _maxTick = OptionFactory.Number(
        "--max-tick-ms", "While answers stream, read new prompts in steps of at most this many milliseconds (default 50)", 0.1f, 60_000);

    private readonly Option<long?> _kvMemory = OptionFactory.Size(
        "--kv-memory", "Memory for keys and values; little of it makes sequences give way to each other (default: as llmserve serve)", 1 << 16, 1L << 46);

    private readonly Option<Toggle?> _prefixCache = OptionFactory.OnOff("--prefix-cache", "Keep what was read for requests that begin the same way (default on)");
    private readonly ModelOptions _model;

    private LocalServerOptions(Command command, Option<string?> server)
    {
        Option[] own = [_maxSequences, _maxTick, _kvMemory, _prefixCache];
        foreach (var option in own)
        {
            command.Options.Add(option);
        }

        _model = ModelOptions.AddTo(command);
        _model.ExcludeBeside(command, server);
        command.Validators.Add(result =>
        {
            if (result.GetResult(server) is not null && own.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } extra)
            {
                result.AddError($"{extra.Name} cannot be combined with --server; the running server has its own settings");
            }
        });
    }

    /// <summary>Adds the options to <paramref name="command"/>, which excludes them beside <paramref name="server"/>.</summary>
    public static LocalServerOptions AddTo(Command command, Option<string?> server) => new(command, server);

    /// <summary>What the command line says.</summary>
    public LocalServerSettings Read(ParseResult parsed)
    {
        var model = _model.Read(parsed);
        var engine = new EngineOptions();
        var cpu = model.Cpu with
        {
            MaxSequences = parsed.GetValue(_maxSequences) ?? model.Cpu.MaxSequences,
            KvBytes = parsed.GetValue(_kvMemory) ?? model.Cpu.KvBytes,
        };
        return new LocalServerSettings(model with { Cpu = cpu }, engine with
        {
            MaxTickMilliseconds = parsed.GetValue(_maxTick) ?? engine.MaxTickMilliseconds,
            PrefixCache = parsed.GetValue(_prefixCache) is { } keep ? keep == Toggle.On : engine.PrefixCache,
        });
    }
}
