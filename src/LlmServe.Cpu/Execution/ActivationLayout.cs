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

    /// <summary>Distance between rows.</summary>
    public readonly int RowBytes;

    public readonly int Real;
    public readonly int Signed8;
    public readonly int Unsigned8;
    public readonly int Signed16;
    public readonly int Scales;
    public readonly int Sums;
    public readonly int RealSums16;
    public readonly int RealSums32;
    public readonly int Columns;

    public ActivationLayout(ActivationForms forms, int columns)
    {
        int at = 0;
        int Take(bool present, int bytes)
        {
            int start = at;
            at += present ? Align(bytes) : 0;
            return present ? start : -1;
        }

        bool blocks = (forms & (CpuForms.Signed8 | CpuForms.Unsigned8 | CpuForms.Signed16)) != 0;
        int blockCount = columns / 32;
        Columns = columns;
        Real = Take(forms.HasFlag(CpuForms.Real), columns * 4);
        Signed8 = Take(forms.HasFlag(CpuForms.Signed8), columns);
        Unsigned8 = Take(forms.HasFlag(CpuForms.Unsigned8), columns);
        Signed16 = Take(forms.HasFlag(CpuForms.Signed16), columns * 2);
        Scales = Take(blocks, blockCount * 4);
        Sums = Take(blocks, blockCount * 4);
        RealSums16 = Take(forms.HasFlag(CpuForms.RealSums16), columns / 16 * 4);
        RealSums32 = Take(forms.HasFlag(CpuForms.RealSums32), columns / 32 * 4);
        RowBytes = at;
    }

    private ActivationLayout(in ActivationLayout whole, int first, int columns)
    {
        static int Shift(int start, int by) => start < 0 ? start : start + by;
        RowBytes = whole.RowBytes;
        Columns = columns;
        Real = Shift(whole.Real, 4 * first);
        Signed8 = Shift(whole.Signed8, first);
        Unsigned8 = Shift(whole.Unsigned8, first);
        Signed16 = Shift(whole.Signed16, 2 * first);
        Scales = Shift(whole.Scales, first / 32 * 4);
        Sums = Shift(whole.Sums, first / 32 * 4);
        RealSums16 = Shift(whole.RealSums16, first / 16 * 4);
        RealSums32 = Shift(whole.RealSums32, first / 32 * 4);
    }

    /// <summary>Whether rows are plain f32.</summary>
    public bool IsReal => Real == 0 && Scales < 0 && RealSums16 < 0 && RealSums32 < 0;

    /// <summary>Whether rows are quantized.</summary>
    public bool HasBlocks => Scales >= 0;

    /// <summary>Some columns of each row, from the start of a block on.</summary>
    public ActivationLayout Part(int first, int columns) => new(this, first, columns);

    private static int Align(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
