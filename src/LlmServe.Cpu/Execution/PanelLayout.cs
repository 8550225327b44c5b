using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// Layout of a panel: the keys, or the values, of one head at the 32 positions of a block. With <see cref="IsInterleaved"/> the elements of each group of 16
/// stand as 0, 8, 1, 9, … so that a 32-bit word holds element i low and i + 8 high, and one shift each widens both from f16. In q8_0 a panel holds the codes,
/// [32 positions][Stride], and behind them the scales in f16, [32 positions][Stride / 32].
/// </summary>
internal unsafe struct PanelLayout
{
    public KvElement Element;

    /// <summary>Elements that are read of a position.</summary>
    public int Size;

    /// <summary>Elements from one position to the next.</summary>
    public int Stride;

    public bool IsInterleaved;

    /// <summary>The panel of heads of <paramref name="size"/> elements.</summary>
    /// <param name="element">Their type.</param>
    /// <param name="size">Elements of a head.</param>
    /// <param name="interleaves">Whether kernels want f16 interleaved where they can have it.</param>
    public static PanelLayout Of(KvElement element, int size, bool interleaves) => new()
    {
        Element = element, Size = size, Stride = size, IsInterleaved = interleaves && element == KvElement.F16 && size % 16 == 0,
    };

    /// <summary>Bytes of the panel.</summary>
    public readonly int Bytes => KvBlock.Positions * KvBlock.RowBytes(Element, Stride);

    /// <summary>Bytes of an element beside its scale.</summary>
    public readonly int ElementBytes => Element switch { KvElement.F32 => sizeof(float), KvElement.F16 => sizeof(ushort), _ => sizeof(sbyte) };

    /// <summary>A position's elements. [Size]</summary>
    public readonly byte* Row(byte* panel, int position) => panel + ((nint)position * Stride * ElementBytes);

    /// <summary>A position's scales, where elements have them. [Stride / 32], f16</summary>
    public readonly Half* Scales(byte* panel, int position) =>
        (Half*)(panel + ((nint)KvBlock.Positions * Stride)) + (position * (Stride / KvBlock.ScaledRun));

    /// <summary>Place of element <paramref name="i"/> in a row.</summary>
    public readonly int IndexOf(int i) => IsInterleaved ? (i & ~15) | ((i & 7) << 1) | ((i >> 3) & 1) : i;
}
