using LlmServe.Cli.App;

namespace LlmServe.Cli.Bench;

/// <summary>What to measure of a model.</summary>
/// <param name="Prompts">Lengths of prompts, tokens.</param>
/// <param name="Contexts">Positions that are filled before decoding starts.</param>
/// <param name="Generate">Tokens decoded at each context, one per tick.</param>
/// <param name="Runs">Rounds that count; one more before them warms up.</param>
/// <param name="Streams">Sequences that decode together; 0: not measured.</param>
internal sealed record BenchPlan(IReadOnlyList<int> Prompts, IReadOnlyList<int> Contexts, int Generate, int Runs, int Streams)
{
    /// <summary>What the targets ask for.</summary>
    public static BenchPlan Full { get; } = new([32, 128, 512], [0, 512, 2048], Generate: 64, Runs: 5, Streams: 0);

    /// <summary>Figures within seconds, for a first look.</summary>
    public static BenchPlan Quick { get; } = new([32, 128], [0], Generate: 16, Runs: 2, Streams: 0);

    /// <summary>Positions of the longest sequence.</summary>
    public int Positions => Math.Max(Prompts.DefaultIfEmpty().Max(), Contexts.Count == 0 ? 0 : Contexts.Max() + Generate);

    /// <summary>Sequences that exist at once.</summary>
    public int Sequences => Math.Max(1, Streams);

    /// <summary>The plan without the points that a context does not hold.</summary>
    /// <exception cref="CliException">Nothing is left.</exception>
    public BenchPlan Within(int positions)
    {
        var fitting = this with
        {
            Prompts = [.. Prompts.Where(prompt => prompt <= positions)],
            Contexts = [.. Contexts.Where(context => context + Generate <= positions)],
            Streams = Generate <= positions ? Streams : 0,
        };
        return fitting.Positions > 0
            ? fitting
            : throw new CliException($"the context holds {positions} positions, and every --prompt and --context with --generate {Generate} needs more; ask for less");
    }
}
