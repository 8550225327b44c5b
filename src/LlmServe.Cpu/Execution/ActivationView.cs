using LlmServe.Compiler.Graph;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// Where the forms of a row stand inside its buffer row, in bytes from the row's start; −1 for a form that it does not carry.
/// Order: f32, signed codes, unsigned codes, 16-bit codes, scales (f32 per block of 32), half sums (two i16 per block, the first half low),
/// sums of f32 values per 16 and per 32. SIMD kernels keep 16-bit codes in the order 0, 2, 1, 3 of each four.
/// </summary>
internal readonly struct ActivationLayout
{
    private const int Alignment = 64;

    public readonly int Real;
    public readonly int Signed8;
    public readonly int Unsigned8;
    public readonly int Signed16;
    public readonly int Scales;
    public readonly int Sums;
    public readonly int RealSums16;
    public readonly int RealSums32;
    public readonly int Columns;
    public readonly int RowBytes;

    public ActivationLayout(ActivationForms forms, int columns)
    {
        int at = 0;
        int Take(bool present, int bytes)
        {
            int start = at;
            at += present ? Align(bytes) : 0;
            return present ? start : -1;
        }

        bool blocks = (forms & (ActivationForms.Signed8 | ActivationForms.Unsigned8 | ActivationForms.Signed16)) != 0;
        int blockCount = columns / 32;
        Columns = columns;
        Real = Take(forms.HasFlag(ActivationForms.Real), columns * 4);
        Signed8 = Take(forms.HasFlag(ActivationForms.Signed8), columns);
        Unsigned8 = Take(forms.HasFlag(ActivationForms.Unsigned8), columns);
        Signed16 = Take(forms.HasFlag(ActivationForms.Signed16), columns * 2);
        Scales = Take(blocks, blockCount * 4);
        Sums = Take(blocks, blockCount * 4);
        RealSums16 = Take(forms.HasFlag(ActivationForms.RealSums16), columns / 16 * 4);
        RealSums32 = Take(forms.HasFlag(ActivationForms.RealSums32), columns / 32 * 4);
        RowBytes = at;
    }

    /// <summary>Whether rows are quantized.</summary>
    public bool HasBlocks => Scales >= 0;

    private static int Align(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}

/// <summary>Rows of a buffer, with their layout.</summary>
internal readonly unsafe struct ActivationView(byte* data, ActivationLayout layout)
{
    public readonly byte* Data = data;
    public readonly ActivationLayout Layout = layout;

    /// <summary>Start of a row.</summary>
    public byte* Row(int row) => Data + ((nint)row * Layout.RowBytes);

    public float* Real(int row) => (float*)(Row(row) + Layout.Real);

    public sbyte* Signed8(int row) => (sbyte*)(Row(row) + Layout.Signed8);

    public float* Scales(int row) => (float*)(Row(row) + Layout.Scales);

    public short* Sums(int row) => (short*)(Row(row) + Layout.Sums);
}
