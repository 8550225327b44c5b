using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Quantized matrix times rows in <c>f32</c> mode. A panel of six vectors of matrix rows is unpacked to f32, a piece at a time, and all rows pass over
/// it: six independent chains of fused multiply-adds, k ascending.
/// </summary>
internal static unsafe class RealProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int Group = 6;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;

    private static readonly int VectorBytes = TSimd.Lanes * 4;

    private static readonly int Row = Group * VectorBytes;

    private static readonly int SubBlocks = 32 / TBlock.SubBlockSize;

    // The panel: 32 codes as f32, scales and minimums of the sub-blocks.
    private static readonly int ScaleOffset = 32 * Row;

    private static readonly int MinimumOffset = ScaleOffset + (SubBlocks * Row);

    private static readonly int PanelBytes = MinimumOffset + (SubBlocks * Row);

    /// <summary>Scratch for a panel and for the running segments of <paramref name="rows"/> rows.</summary>
    public static int ScratchBytes(int rows) => PanelBytes + (rows * Row);

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        int vectors = (end - begin + TSimd.Lanes - 1) / TSimd.Lanes;
        byte* running = scratch + PanelBytes;
        for (int first = 0; first < vectors; first += Group)
        {
            int count = Math.Min(Group, vectors - first);
            long segmentOffset = 0;
            for (int column = 0; column < matrix->Columns; column += 32 * PiecesPerSegment)
            {
                int pieces = Math.Min(PiecesPerSegment, (matrix->Columns - column) / 32);
                Unsafe.InitBlock(running, 0, (uint)(rows * Row));
                for (int piece = 0; piece < pieces; piece++)
                {
                    Unpack(matrix, begin + (first * TSimd.Lanes), count, segmentOffset, pieces, piece, scratch);
                    for (int row = 0; row < rows; row++)
                    {
                        Piece(scratch, x, row, column + (32 * piece), running + (row * Row));
                    }
                }

                for (int row = 0; row < rows; row++)
                {
                    Finish(running + (row * Row), count, column > 0, y + ((nint)row * stride) + (first * TSimd.Lanes));
                }

                segmentOffset += PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            }
        }
    }

    private static void Unpack(Matrix* matrix, int firstRow, int count, long segmentOffset, int pieces, int piece, byte* panel)
    {
        for (int group = 0; group < count; group++)
        {
            int row = firstRow + (group * TSimd.Lanes);
            byte* segment = matrix->Packed + (row / TileRows * matrix->TileBytes) + segmentOffset;
            int inTile = row % TileRows;
            var at = new SegmentCursor<TBlock, TCodes>(segment, pieces);
            at.Skip(piece);
            byte* codes = at.Codes + (inTile * 4);
            byte* target = panel + (group * VectorBytes);
            for (int pair = 0; pair < 4; pair++)
            {
                TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
                StoreGroup(even, target + (8 * pair * Row));
                StoreGroup(odd, target + (((8 * pair) + 4) * Row));
            }

            UnpackScales(at, inTile, target);
        }
    }

    private static void UnpackScales(in SegmentCursor<TBlock, TCodes> at, int row, byte* target)
    {
        RealScales<TSimd, V, TBlock, TCodes>.Load(at.Scales, at.SubScales, row, out var first, out var second);
        StoreSubBlocks(target + ScaleOffset, first, second);
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            RealScales<TSimd, V, TBlock, TCodes>.Load(at.Minimums, at.SubMinimums, row, out first, out second);
            StoreSubBlocks(target + MinimumOffset, first, second);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSubBlocks(byte* target, V first, V second)
    {
        TSimd.Store(target, first);
        if (SubBlocks == 2)
        {
            TSimd.Store(target + Row, second);
        }
    }

    /// <summary>Four codes of each row as f32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreGroup(V codes, byte* target)
    {
        if (TCodes.Bias != 0)
        {
            codes = TSimd.Subtract8(codes, TSimd.Set(TCodes.Bias * 0x01010101));
        }

        TSimd.Store(target, TSimd.ToSingle(TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(codes, 24), 24)));
        TSimd.Store(target + Row, TSimd.ToSingle(TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(codes, 16), 24)));
        TSimd.Store(target + (2 * Row), TSimd.ToSingle(TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(codes, 8), 24)));
        TSimd.Store(target + (3 * Row), TSimd.ToSingle(TSimd.ShiftRightArithmetic32(codes, 24)));
    }

    /// <summary>One row against one piece.</summary>
    private static void Piece(byte* panel, ActivationView* x, int row, int column, byte* running)
    {
        byte* start = x->Row(row);
        float* values = (float*)(start + x->Layout.Real) + column;
        int sumsAt = TBlock.SubBlockSize == 16 ? x->Layout.RealSums16 : x->Layout.RealSums32;
        float* sums = (float*)(start + sumsAt) + (column / TBlock.SubBlockSize);
        int vector = VectorBytes, row6 = Row;
        for (int sub = 0; sub < SubBlocks; sub++)
        {
            V t0 = TSimd.Zero, t1 = TSimd.Zero, t2 = TSimd.Zero, t3 = TSimd.Zero, t4 = TSimd.Zero, t5 = TSimd.Zero;
            byte* codes = panel + (sub * TBlock.SubBlockSize * Row);
            for (int k = 0; k < TBlock.SubBlockSize; k++)
            {
                var value = TSimd.Broadcast(values + (sub * TBlock.SubBlockSize) + k);
                t0 = TSimd.AddProduct(t0, value, codes);
                t1 = TSimd.AddProduct(t1, value, codes + vector);
                t2 = TSimd.AddProduct(t2, value, codes + (2 * vector));
                t3 = TSimd.AddProduct(t3, value, codes + (3 * vector));
                t4 = TSimd.AddProduct(t4, value, codes + (4 * vector));
                t5 = TSimd.AddProduct(t5, value, codes + (5 * vector));
                codes += row6;
            }

            var sum = PackedLayout<TBlock, TCodes>.HasMinimum ? TSimd.Broadcast(sums + sub) : TSimd.Zero;
            byte* scales = panel + ScaleOffset + (sub * Row);
            Accumulate(running, scales, 0, t0, sum);
            Accumulate(running, scales, 1, t1, sum);
            Accumulate(running, scales, 2, t2, sum);
            Accumulate(running, scales, 3, t3, sum);
            Accumulate(running, scales, 4, t4, sum);
            Accumulate(running, scales, 5, t5, sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(byte* running, byte* scales, int group, V t, V sum)
    {
        byte* target = running + (group * VectorBytes);
        byte* scale = scales + (group * VectorBytes);
        var acc = TSimd.MultiplyAdd(TSimd.Load(scale), t, TSimd.Load(target));
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            acc = TSimd.MultiplyAdd(TSimd.Load(scale + (MinimumOffset - ScaleOffset)), sum, acc);
        }

        TSimd.Store(target, acc);
    }

    private static void Finish(byte* running, int count, bool add, float* y)
    {
        for (int group = 0; group < count; group++)
        {
            float* target = y + (group * TSimd.Lanes);
            var value = TSimd.Load(running + (group * VectorBytes));
            TSimd.Store(target, add ? TSimd.Add(TSimd.Load(target), value) : value);
        }
    }
}
