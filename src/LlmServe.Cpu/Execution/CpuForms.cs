using LlmServe.Compiler.Graph;

namespace LlmServe.Cpu.Execution;

/// <summary>Forms of a row that matrix kernels of this backend read, beside plain f32.</summary>
internal static class CpuForms
{
    /// <summary>f32 as computed.</summary>
    public const ActivationForms Real = ActivationForms.Real;

    /// <summary>Signed 8-bit codes per block of 32, with scale and half sums.</summary>
    public const ActivationForms Signed8 = (ActivationForms)2;

    /// <summary>The same codes plus 128, unsigned, for kernels that multiply unsigned activations by signed weights.</summary>
    public const ActivationForms Unsigned8 = (ActivationForms)4;

    /// <summary>The same codes widened to 16 bits.</summary>
    public const ActivationForms Signed16 = (ActivationForms)8;

    /// <summary>Beside the f32 values, their sums per 16 (for sub-blocks with a minimum in <c>f32</c> mode).</summary>
    public const ActivationForms RealSums16 = (ActivationForms)16;

    /// <summary>The same per 32.</summary>
    public const ActivationForms RealSums32 = (ActivationForms)32;

    private static readonly (ActivationForms Form, string Name)[] Names =
    [
        (Real, nameof(Real)), (Signed8, nameof(Signed8)), (Unsigned8, nameof(Unsigned8)), (Signed16, nameof(Signed16)), (RealSums16, nameof(RealSums16)),
        (RealSums32, nameof(RealSums32)),
    ];

    /// <summary>Columns that are written together: a block that shares a scale, or a sum.</summary>
    public static int GroupOf(ActivationForms forms) =>
        (forms & (Signed8 | Unsigned8 | Signed16 | RealSums32)) != 0 ? 32 : forms.HasFlag(RealSums16) ? 16 : 1;

    /// <summary>The forms in words.</summary>
    public static string Describe(ActivationForms forms) => string.Join(", ", Names.Where(n => forms.HasFlag(n.Form)).Select(n => n.Name));
}
