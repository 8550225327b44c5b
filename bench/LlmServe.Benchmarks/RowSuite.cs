using BenchmarkDotNet.Attributes;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Execution;

namespace LlmServe.Benchmarks;

/// <summary>What happens to rows between matrices, with a 1B model's sizes: norm and quantization, rotary positions, storing in the cache.</summary>
public unsafe class RowSuite : KernelSuite, ICountsWork
{
    private const int Hidden = 2048;
    private const int Queries = KernelLab.QueryHeads * KernelLab.HeadSize, Keys = KernelLab.KeyHeads * KernelLab.HeadSize;

    private KernelLab? _lab;
    private Step* _norm, _quantizingNorm, _table, _rotate, _storeValues;

    /// <summary>Rows of the tick.</summary>
    [Params(1, 32)]
    public int Rows { get; set; }

    public static double WorkOf(string method, Func<string, object> parameter) => (int)parameter(nameof(Rows)) * method switch
    {
        nameof(RotateQueries) => Queries,
        nameof(StoreValues) => Keys,
        nameof(RopeTable) => (double)KernelLab.HeadSize,
        _ => Hidden,
    };

    [GlobalSetup]
    public void Setup()
    {
        _lab = new KernelLab(Isa, Rows);
        _norm = Norm(ActivationForms.Real);
        _quantizingNorm = Norm(CpuForms.Signed8);
        _table = _lab.Step(Opcodes.RopeTable, KernelLab.HeadSize);
        _table->Output = _lab.Rows(KernelLab.HeadSize);
        _lab.Bind(_table, Opcodes.RopeTable, KernelLab.HeadSize);
        _lab.Run(_table);
        _rotate = _lab.Step(Opcodes.Rotate, Queries);
        _rotate->Output = _lab.Rows(Queries);
        _rotate->Input = _rotate->Output;
        _rotate->Input2 = _table->Output;
        _lab.Bind(_rotate, Opcodes.Rotate, Queries);
        _storeValues = _lab.Step(Opcodes.Store, Keys);
        _storeValues->Input = _lab.Rows(Keys);
        _lab.Bind(_storeValues, Opcodes.Store, Keys);
        _lab.RequireNoAllocation(_norm);
        _lab.RequireNoAllocation(_quantizingNorm);
        _lab.RequireNoAllocation(_table);
        _lab.RequireNoAllocation(_rotate);
        _lab.RequireNoAllocation(_storeValues);
    }

    [Benchmark]
    public void Norm() => _lab!.Run(_norm);

    [Benchmark]
    public void NormAndQuantize() => _lab!.Run(_quantizingNorm);

    [Benchmark]
    public void RopeTable() => _lab!.Run(_table);

    [Benchmark]
    public void RotateQueries() => _lab!.Run(_rotate);

    [Benchmark]
    public void StoreValues() => _lab!.Run(_storeValues);

    [GlobalCleanup]
    public void Cleanup() => _lab?.Dispose();

    private Step* Norm(ActivationForms forms)
    {
        var step = _lab!.Step(Opcodes.Norm, Hidden);
        step->Input = _lab.Rows(Hidden);
        step->Output = _lab.Rows(Hidden, forms);
        step->Weight = _lab.Gains(Hidden);
        _lab.Bind(step, Opcodes.Norm, Hidden);
        return step;
    }
}
