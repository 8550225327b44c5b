using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Execution;

namespace LlmServe.Cpu.Profile;

/// <summary>The costs of a compiled model's ticks: by a nominal machine, until this one is measured.</summary>
internal sealed class CpuTickCosts(CompiledModel model, Func<MachineProfile> measure) : ITickCosts
{
    private readonly int[] _rows = [.. model.Programs.Select(p => p.Rows)];
    private volatile TickCost[] _costs = Tabulate(MachineProfile.Nominal, model); // [programs]

    /// <summary>What costs rest on.</summary>
    public MachineProfile Profile { get; private set; } = MachineProfile.Nominal;

    public bool IsMeasured => Profile.IsMeasured;

    public void Measure()
    {
        if (!IsMeasured)
        {
            var profile = measure();
            _costs = Tabulate(profile, model);
            Profile = profile;
        }
    }

    public double Seconds(in TickLoad load)
    {
        int program = 0;
        while (program < _rows.Length - 1 && _rows[program] < load.Rows)
        {
            program++;
        }

        return _costs[program].Seconds(load);
    }

    private static TickCost[] Tabulate(MachineProfile profile, CompiledModel model) => [.. model.Programs.Select(new CostModel(profile, model).Precompute)];
}
