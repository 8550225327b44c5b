namespace LlmServe.Cli.Bench;

/// <summary>Everything that one run of the command measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Plan">What was asked for.</param>
/// <param name="Results">In the order of measuring.</param>
/// <param name="Noise">How far they can be trusted.</param>
internal sealed record BenchReport(MachineInfo Machine, BenchPlan Plan, IReadOnlyList<ModelResult> Results, NoiseResult Noise)
{
    /// <summary>Results of re-encoded formats of one model and mode, in the order asked for; the first is what the others are compared with.</summary>
    public IEnumerable<IReadOnlyList<ModelResult>> FormatComparisons => Results
        .Where(result => result.Reencoded)
        .GroupBy(result => (result.Path, result.Activations))
        .Select(group => group.ToList())
        .Where(group => group.Count > 1);
}
