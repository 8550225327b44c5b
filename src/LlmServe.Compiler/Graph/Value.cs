namespace LlmServe.Compiler.Graph;

/// <summary>What an operation produces: one row of numbers per row of the tick.</summary>
/// <param name="Id">Index in <see cref="ModelGraph.Values"/>.</param>
/// <param name="Name">For people: <c>blk.3.q</c>.</param>
/// <param name="Columns">Numbers per row.</param>
/// <param name="Forms">How they are stored; <see cref="ActivationForms.Real"/> is plain f32.</param>
/// <param name="Selected">Whether it has only the rows whose logits are wanted.</param>
public sealed record Value(int Id, string Name, int Columns, ActivationForms Forms = ActivationForms.Real, bool Selected = false);

/// <summary>Representations of a row that matrices read; a row can carry several.</summary>
[Flags]
public enum ActivationForms
{
    None = 0,

    /// <summary>f32 as computed.</summary>
    Real = 1,

    /// <summary>Signed 8-bit codes per block of 32, with scale and half sums.</summary>
    Signed8 = 2,

    /// <summary>The same codes plus 128, unsigned, for kernels that multiply unsigned activations by signed weights.</summary>
    Unsigned8 = 4,

    /// <summary>The same codes widened to 16 bits.</summary>
    Signed16 = 8,

    /// <summary>Beside the f32 values, their sums per 16 (for sub-blocks with a minimum in <c>f32</c> mode).</summary>
    RealSums16 = 16,

    /// <summary>The same per 32.</summary>
    RealSums32 = 32,
}
