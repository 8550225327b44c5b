using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <content>
/// The panel: 48 matrix rows, unpacked a segment at a time into the form that the inner loops multiply straight from memory. For each piece: codes (signed bytes, or 16-bit
/// numbers), corrections −128·Σw (narrow codes), scales, minimums, sub-block scales, sub-block minimums; each with the panel's vectors side by
/// side. 48 rows are what stays in a first cache of 32 KiB beside the activations.
/// </content>
internal static unsafe partial class ManyRowsProduct<TSimd, V, TBlock, TCodes>
{
    /// <summary>Matrix rows of a panel.</summary>
    private const int PanelRows = 48;

    /// <summary>Vectors of matrix rows in a panel: 12 of 4 rows, 6 of 8, or 3 of 16.</summary>
    private static readonly int Group = PanelRows / TSimd.Lanes;

    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;

    private static readonly bool SumsSignedBytes = TSimd.SumsSignedBytes;

    /// <summary>Whether codes and activations are multiplied as 16-bit numbers.</summary>
    private static readonly bool WideCodes = TCodes.IsWide && !TSimd.SumsSignedBytes;

    /// <summary>Whether sums start at a correction, since activations are x + 128.</summary>
    private static readonly bool Corrected = !TCodes.IsWide && !TSimd.SumsSignedBytes;

    /// <summary>Sums per piece: 1, 2 or 4. Two at least where halves have their own scale, more where those of 16 bits would overflow.</summary>
    private static readonly int Sums = Math.Max(TBlock.SubBlockSize == 16 ? 2 : 1, Corrected ? 8 / Planes.GroupsPerSum(TCodes.Magnitude) : 1);

    /// <summary>Groups of four in a sum.</summary>
    private static readonly int SumGroups = 8 / Sums;

    private static readonly int VectorBytes = TSimd.Lanes * 4;

    private static readonly int Row = Group * VectorBytes;

    // A piece in the panel: codes, corrections, scales, minimums, sub-block scales, sub-block minimums.
    private static readonly int CodeBytes = (WideCodes ? 16 : 8) * Row;

    private static readonly int CorrectionOffset = CodeBytes;

    private static readonly int ScaleOffset = CorrectionOffset + (Corrected ? Sums * Row : 0);

    private static readonly int MinimumOffset = ScaleOffset + (PackedLayout<TBlock, TCodes>.IsPaired ? 2 * Row : Row);

    private static readonly int SubScaleOffset = MinimumOffset + (PackedLayout<TBlock, TCodes>.HasMinimum ? Row : 0);

    private static readonly int SubMinimumOffset = SubScaleOffset + (PackedLayout<TBlock, TCodes>.IsSuper ? Sums * Row : 0);

    private static readonly int PieceBytes = SubMinimumOffset + (TBlock.Kind == BlockKind.SuperWithMinimum ? Row : 0);

    /// <summary>Scratch of a panel.</summary>
    public static readonly int ScratchBytes = PiecesPerSegment * PieceBytes;

    /// <summary>Unpacks a segment of <paramref name="count"/> vectors of rows.</summary>
    private static void UnpackPanel(Matrix* matrix, int firstRow, int count, long segmentOffset, int pieces, byte* panel)
    {
        for (int group = 0; group < count; group++)
        {
            int row = firstRow + (group * TSimd.Lanes);
            byte* tile = matrix->Packed + (row / TileRows * matrix->TileBytes);
            byte* segment = tile + segmentOffset;
            byte* next = segment + PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            if (next >= tile + matrix->TileBytes)
            {
                // After its last segment a tile's place in the panel is taken by a tile of the next panel.
                next = tile + (PanelRows / TileRows * matrix->TileBytes);
            }

            var at = new SegmentCursor<TBlock, TCodes>(segment, pieces);
            byte* target = panel + (group * VectorBytes);
            for (int piece = 0; piece < pieces; piece++)
            {
                UnpackPiece(at, row % TileRows, target);
                if (row % TileRows == 0)
                {
                    Prefetch.LinesOfSecondCache(next + (piece * PackedLayout<TBlock, TCodes>.PieceShare), PackedLayout<TBlock, TCodes>.PieceShare);
                }

                at.Next(piece);
                target += PieceBytes;
            }
        }
    }

    /// <summary>Unpacks a piece of the rows of one vector, of which <paramref name="row"/> is the first one's number in its tile.</summary>
    private static void UnpackPiece(in SegmentCursor<TBlock, TCodes> at, int row, byte* target)
    {
        byte* codes = at.Codes + (row * 4);
        V first = UnpackPair(codes, 0, target), second = UnpackPair(codes, 1, target);
        V third = UnpackPair(codes, 2, target), fourth = UnpackPair(codes, 3, target);
        if (Corrected)
        {
            StoreCorrections(target + CorrectionOffset, first, second, third, fourth);
        }

        TSimd.Store(target + ScaleOffset, ScaleLoad<TSimd, V, TBlock>.Load(at.Scales + (row * 2)));
        if (PackedLayout<TBlock, TCodes>.IsPaired)
        {
            TSimd.Store(target + ScaleOffset + Row, ScaleLoad<TSimd, V, TBlock>.Load(at.Scales + ((TileRows + row) * 2)));
        }

        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            TSimd.Store(target + MinimumOffset, ScaleLoad<TSimd, V, TBlock>.Load(at.Minimums + (row * 2)));
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            StoreSubScales(PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubScales, row * 4), target + SubScaleOffset);
        }

        if (TBlock.Kind == BlockKind.SuperWithMinimum)
        {
            TSimd.Store(target + SubMinimumOffset, PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubMinimums, row * 4));
        }
    }

    /// <summary>Stores what the sums start at, from 128 times the sums of pairs of groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCorrections(byte* target, V first, V second, V third, V fourth)
    {
        if (Sums == 4)
        {
            TSimd.Store(target, TSimd.Subtract16(TSimd.Zero, first));
            TSimd.Store(target + Row, TSimd.Subtract16(TSimd.Zero, second));
            TSimd.Store(target + (2 * Row), TSimd.Subtract16(TSimd.Zero, third));
            TSimd.Store(target + (3 * Row), TSimd.Subtract16(TSimd.Zero, fourth));
            return;
        }

        first = TSimd.Add16(first, second);
        third = TSimd.Add16(third, fourth);
        TSimd.Store(target, TSimd.Subtract16(TSimd.Zero, Sums == 2 ? first : TSimd.Add16(first, third)));
        if (Sums == 2)
        {
            TSimd.Store(target + Row, TSimd.Subtract16(TSimd.Zero, third));
        }
    }

    /// <summary>Stores the scales of a piece, or of its halves, as the sums need them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSubScales(V scales, byte* target)
    {
        // Without halves both 16 bits of an entry are the same.
        var first = Corrected ? TSimd.LowTwice(scales) : TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(scales, 16), 16);
        var second = Corrected ? TSimd.HighTwice(scales) : TSimd.ShiftRightArithmetic32(scales, 16);
        TSimd.Store(target, first);
        if (Sums == 2)
        {
            TSimd.Store(target + Row, second);
        }

        if (Sums == 4)
        {
            TSimd.Store(target + Row, first);
            TSimd.Store(target + (2 * Row), second);
            TSimd.Store(target + (3 * Row), second);
        }
    }

    /// <summary>Stores two groups of codes; returns 128 times their 16-bit sums where there are corrections.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V UnpackPair(byte* codes, int pair, byte* target)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        if (WideCodes)
        {
            TSimd.Store(target + (4 * pair * Row), TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(even, 8), 8));
            TSimd.Store(target + (((4 * pair) + 1) * Row), TSimd.ShiftRightArithmetic16(even, 8));
            TSimd.Store(target + (((4 * pair) + 2) * Row), TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(odd, 8), 8));
            TSimd.Store(target + (((4 * pair) + 3) * Row), TSimd.ShiftRightArithmetic16(odd, 8));
            return TSimd.Zero;
        }

        if (TCodes.Bias != 0)
        {
            var bias = TSimd.Set(TCodes.Bias * 0x01010101);
            even = TSimd.Subtract8(even, bias);
            odd = TSimd.Subtract8(odd, bias);
        }

        TSimd.Store(target + (2 * pair * Row), even);
        TSimd.Store(target + (((2 * pair) + 1) * Row), odd);
        if (!Corrected)
        {
            return TSimd.Zero;
        }

        var offset = TSimd.Set(unchecked((int)0x80808080));
        return TSimd.Add16(TSimd.MultiplyAddBytes(offset, even), TSimd.MultiplyAddBytes(offset, odd));
    }
}
