using BenchmarkDotNet.Attributes;
using LlmServe.Cpu;
using LlmServe.Cpu.Kernels;

namespace LlmServe.Benchmarks;

/// <summary>A suite that runs on every instruction set of this processor. It measures one lane.</summary>
public abstract class KernelSuite
{
    /// <summary>Instruction set.</summary>
    [ParamsSource(nameof(InstructionSets))]
    public CpuIsa Isa { get; set; }

    /// <summary>Those that the processor has.</summary>
    public static IEnumerable<CpuIsa> InstructionSets => Enum.GetValues<CpuIsa>().Where(IsaSelector.IsSupported);
}
