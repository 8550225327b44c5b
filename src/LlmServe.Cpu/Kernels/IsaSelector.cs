using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Kernels;

/// <summary>Chooses the kernels for this processor.</summary>
internal static class IsaSelector
{
    /// <summary>Environment variable that forces a lower path.</summary>
    public const string Variable = "LLMSERVE_ISA";

    /// <summary>Whether the processor (and the runtime) can run the kernels.</summary>
    public static bool IsSupported(CpuIsa isa) => isa switch
    {
        CpuIsa.Scalar => true,
        CpuIsa.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        CpuIsa.Avx512 => Avx2.IsSupported && Fma.IsSupported && Avx512F.IsSupported && Avx512BW.IsSupported,
        CpuIsa.Neon => AdvSimd.Arm64.IsSupported,
        CpuIsa.Avx512Vnni => IsSupported(CpuIsa.Avx512) && HasVnni() && ExecutableMemory.IsAvailable,
        _ => false,
    };

    /// <summary>Kernels for the instruction set asked for, else named by the environment, else the best there is.</summary>
    /// <exception cref="PlatformNotSupportedException">The processor has not that instruction set, or the variable names none.</exception>
    public static KernelTable Select(CpuIsa? asked)
    {
        var isa = asked ?? FromEnvironment() ?? Enum.GetValues<CpuIsa>().Last(IsSupported);
        if (!IsSupported(isa))
        {
            string possible = string.Join(", ", Enum.GetValues<CpuIsa>().Where(IsSupported).Select(i => i.ToString().ToLowerInvariant()));
            throw new PlatformNotSupportedException($"this processor cannot run the {isa.ToString().ToLowerInvariant()} kernels; possible here: {possible}");
        }

        return Create(isa);
    }

    /// <summary>Kernels of an instruction set, whether or not the processor has it: those of <see cref="CpuIsa.Neon"/> run, slowly, on any.</summary>
    public static KernelTable Create(CpuIsa isa) => isa switch
    {
        CpuIsa.Avx2 => new SimdKernels<Simd256, Vector256<int>>(isa),
        CpuIsa.Avx512 => new SimdKernels<Simd512, Vector512<int>>(isa),
        CpuIsa.Neon => new SimdKernels<Simd128, Vector128<int>>(isa),
        CpuIsa.Avx512Vnni => new SimdKernels<Simd512, Vector512<int>>(isa),
        _ => new ReferenceKernels(),
    };

    /// <summary>AVX512_VNNI: leaf 7, ECX bit 11.</summary>
    private static bool HasVnni() => (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0;

    private static CpuIsa? FromEnvironment()
    {
        string? name = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(name))
        {
            return null;
        }

        return Enum.TryParse<CpuIsa>(name, ignoreCase: true, out var isa) && Enum.IsDefined(isa)
            ? isa
            : throw new PlatformNotSupportedException($"{Variable} is '{name}'; allowed: {string.Join(", ", Enum.GetNames<CpuIsa>()).ToLowerInvariant()}");
    }
}
