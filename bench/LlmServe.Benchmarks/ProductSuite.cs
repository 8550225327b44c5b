using BenchmarkDotNet.Attributes;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Benchmarks;

/// <summary>Matrix times rows: by format, instruction set, mode and rows of the tick.</summary>
public unsafe class ProductSuite : KernelSuite, ICountsWork
{
    private const int Columns = 2048, Outputs = 1024;

    private KernelLab? _lab;
    private Step* _step;

    /// <summary>Format of the matrix.</summary>
    [Params(GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q8_0, GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.F16)]
    public GgmlType Format { get; set; }

    /// <summary>How rows enter.</summary>
    [Params(ActivationMode.Int8, ActivationMode.F32)]
    public ActivationMode Mode { get; set; }

    /// <summary>1 is decoding, 128 a chunk of a prompt, 8 what a few streams make.</summary>
    [Params(1, 8, 128)]
    public int Rows { get; set; }

    public static double WorkOf(string method, Func<string, object> parameter) => (double)Columns * Outputs * (int)parameter(nameof(Rows));

    [GlobalSetup]
    public void Setup()
    {
        var format = BlockFormat.Get(Format);
        _lab = new KernelLab(Isa, Rows);
        _step = _lab.Step(Opcodes.MatMul, Outputs);
        _step->Input = _lab.RowsFor(format, Mode, Columns);
        _step->Output = _lab.Rows(Outputs);
        _step->Weight = _lab.Matrix(format, Outputs, Columns);
        _lab.SetProduct(_step, format, Mode);
        _lab.RequireNoAllocation(_step);
    }

    [Benchmark]
    public void Product() => _lab!.Run(_step);

    [GlobalCleanup]
    public void Cleanup() => _lab?.Dispose();
}
