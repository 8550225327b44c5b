using BenchmarkDotNet.Attributes;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;

namespace LlmServe.Benchmarks;

/// <summary>Attention of one layer of a 1B model's shape over a cache in f16.</summary>
public unsafe class AttentionSuite : KernelSuite, ICountsWork
{
    private const int Columns = KernelLab.QueryHeads * KernelLab.HeadSize;

    private KernelLab? _lab;
    private Step* _step;

    /// <summary>Positions before the rows.</summary>
    [Params(0, 512, 2048)]
    public int Context { get; set; }

    /// <summary>Rows of one sequence.</summary>
    [Params(1, 32)]
    public int Rows { get; set; }

    /// <summary>Two products, with keys and with values, over the positions that each row sees.</summary>
    public static double WorkOf(string method, Func<string, object> parameter)
    {
        double rows = (int)parameter(nameof(Rows)), context = (int)parameter(nameof(Context));
        return 2 * Columns * rows * (context + ((rows + 1) / 2));
    }

    [GlobalSetup]
    public void Setup()
    {
        _lab = new KernelLab(Isa, Rows, Context);
        _step = _lab.Step(Opcodes.Attention, Columns);
        _step->Input = _lab.Rows(Columns);
        _step->Output = _lab.Rows(Columns);
        _step->Parts = _lab.Rows(2 * LaneParts.SlotFloats(KernelLab.QueryHeads / KernelLab.KeyHeads, KernelLab.HeadSize));
        _lab.Bind(_step, Opcodes.Attention, Columns);
        _lab.RequireNoAllocation(_step);
    }

    [Benchmark]
    public void Attention() => _lab!.Run(_step);

    [GlobalCleanup]
    public void Cleanup() => _lab?.Dispose();
}
