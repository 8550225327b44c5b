using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Layout of a repacked matrix: tiles of 16 rows; in a tile, segments of up to 8 pieces (256 columns); in a segment
/// <c>[scales][minimums][sub-block scales][sub-block minimums][codes]</c>, each part for its pieces in order and, within a piece, row after row.
/// Scales and minimums are 16 bits (binary16, or bfloat16 where a format has scales of another kind): one for as many pieces as a block has, or two per piece. Sub-block entries are bytes, one or two per piece.
/// Minimums of formats of 256 are stored negated, since that is how they enter.
/// </summary>
internal static unsafe class PackedLayout<TBlock, TCodes>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    public const int TileRows = 16;
    public const int PiecesPerSegment = 8;

    /// <summary>Whether sub-blocks have integer scales, and perhaps minimums.</summary>
    public static readonly bool IsSuper = TBlock.Kind is BlockKind.Super or BlockKind.SuperWithMinimum;

    public static readonly bool HasMinimum = TBlock.Kind is BlockKind.WithMinimum or BlockKind.SuperWithMinimum;

    /// <summary>Whether halves of pieces have scales of their own.</summary>
    public static readonly bool IsPaired = TBlock.Kind == BlockKind.Paired;

    /// <summary>Pieces that share a scale: 1, 2, 4 or 8.</summary>
    public static readonly int PiecesPerScale = IsPaired ? 1 : TBlock.BlockSize / 32;

    /// <summary>Bytes of the scales of those pieces, of all rows of a tile; the same for minimums.</summary>
    public static readonly int ScaleStride = TileRows * 2 * (IsPaired ? 2 : 1);

    /// <summary>Bytes between the sub-block entries of pieces: 16 for sub-blocks of 32, 32 for sub-blocks of 16.</summary>
    public static readonly int SubStride = TBlock.SubBlockSize == 16 ? 2 * TileRows : TileRows;

    /// <summary>Bytes before the codes of a segment: its scales and minimums, then its sub-block scales and minimums.</summary>
    public static int CodesOffset(int pieces)
    {
        int scaleBytes = ScaleBytes(pieces);
        int subBytes = IsSuper ? pieces * SubStride : 0;
        return (HasMinimum ? 2 * scaleBytes : scaleBytes) + (TBlock.Kind == BlockKind.SuperWithMinimum ? 2 * subBytes : subBytes);
    }

    /// <summary>Bytes of the scales of a segment.</summary>
    public static int ScaleBytes(int pieces) => (pieces + PiecesPerScale - 1) / PiecesPerScale * ScaleStride;

    /// <summary>Bytes of a segment.</summary>
    public static int SegmentBytes(int pieces) => CodesOffset(pieces) + (pieces * TCodes.PieceBytes);

    /// <summary>Bytes of a piece in a full segment, its part of the scales included.</summary>
    public static readonly int PieceShare = SegmentBytes(PiecesPerSegment) / PiecesPerSegment;

    /// <summary>Asks the first cache for as many bytes as a piece takes of its segment; returns where the next piece goes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* PrefetchPiece(byte* ahead)
    {
        Prefetch.Lines(ahead, PieceShare);
        return ahead + PieceShare;
    }

    /// <summary>Bytes of a tile.</summary>
    public static long TileBytes(int columns)
    {
        int pieces = columns / 32;
        int rest = pieces % PiecesPerSegment;
        return ((long)(pieces / PiecesPerSegment) * SegmentBytes(PiecesPerSegment)) + (rest > 0 ? SegmentBytes(rest) : 0);
    }

    /// <summary>Repacks tiles [begin, end). Rows after the last are zero.</summary>
    /// <exception cref="InvalidDataException">A scale or minimum is infinite or no number; the kernels' widening is exact for finite ones only.</exception>
    public static void Pack(in Matrix matrix, int begin, int end)
    {
        for (int tile = begin; tile < end; tile++)
        {
            byte* target = matrix.Packed + (tile * matrix.TileBytes);
            for (int column = 0; column < matrix.Columns; column += 32 * PiecesPerSegment)
            {
                int pieces = Math.Min(PiecesPerSegment, (matrix.Columns - column) / 32);
                var at = new SegmentCursor<TBlock, TCodes>(target, pieces);
                for (int piece = 0; piece < pieces; piece++)
                {
                    PackPiece(matrix, tile * TileRows, column + (32 * piece), at);
                    at.Next(piece);
                }

                target = at.Codes;
            }
        }
    }

    private static void PackPiece(in Matrix matrix, int firstRow, int column, in SegmentCursor<TBlock, TCodes> at)
    {
        byte* codes = stackalloc byte[TileRows * 32];
        for (int r = 0; r < TileRows; r++)
        {
            Codes32 source = default;
            if (firstRow + r < matrix.Rows)
            {
                byte* row = matrix.Raw + ((firstRow + r) * matrix.RawRowBytes);
                TBlock.Unpack(row + ((nint)(column / TBlock.BlockSize) * TBlock.BlockBytes), column % TBlock.BlockSize / 32, out source);
            }

            (Vector256.Load((byte*)source.Q) + Vector256.Create((byte)TCodes.Bias)).Store(codes + (r * 32));

            if (!float.IsFinite(source.Scale) || !float.IsFinite(source.Minimum))
            {
                throw new InvalidDataException($"row {firstRow + r}, columns {column} to {column + 31}: scale {source.Scale}, minimum {source.Minimum}");
            }

            StoreScale(at.Scales, r, source.Scale);
            if (IsPaired)
            {
                StoreScale(at.Scales, TileRows + r, source.SecondScale);
            }

            if (HasMinimum)
            {
                StoreScale(at.Minimums, r, IsSuper ? -source.Minimum : source.Minimum);
            }

            StoreSub(at.SubScales, IsSuper, r, source.SubScale0, source.SubScale1);
            StoreSub(at.SubMinimums, TBlock.Kind == BlockKind.SuperWithMinimum, r, source.SubMinimum0, source.SubMinimum1);
        }

        TCodes.Pack(codes, at.Codes);
    }

    /// <summary>Stores a scale or a minimum in its 16 bits, of which it needs no more.</summary>
    private static void StoreScale(byte* target, int at, float value)
    {
        float stored = MathF.ScaleB(value, -TBlock.ScaleExponent);
        ((ushort*)target)[at] = TBlock.ScaleType != ScaleType.Half
            ? (ushort)(BitConverter.SingleToUInt32Bits(stored) >> 16)
            : BitConverter.HalfToUInt16Bits((Half)stored);
    }

    private static void StoreSub(byte* target, bool present, int row, int first, int second)
    {
        if (!present)
        {
            return;
        }

        if (TBlock.SubBlockSize == 16)
        {
            target[2 * row] = (byte)first;
            target[(2 * row) + 1] = (byte)second;
        }
        else
        {
            target[row] = (byte)first;
        }
    }
}
