using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Quantized matrix times one to a few rows in <c>f32</c> mode. Codes become f32 in registers while a tile streams in. The steps of a sub-block form one chain
/// of fused multiply-adds, so four pieces advance together.
/// </summary>
internal static unsafe class FewRowsRealProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;

    /// <summary>Pieces that advance together.</summary>
    private const int Chains = 4;

    /// <summary>How far ahead of use memory is asked for.</summary>
    private const int PrefetchBytes = 2048;

    private static readonly int VectorBytes = TSimd.Lanes * 4;

    private static readonly int SubBlocks = 32 / TBlock.SubBlockSize;

    private static readonly int PairsPerSubBlock = TBlock.SubBlockSize / 8;

    /// <summary>Scratch: the sums of the sub-blocks of a segment.</summary>
    public static int ScratchBytes => PiecesPerSegment * SubBlocks * VectorBytes;

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        for (int r = begin; r < end; r += TileRows)
        {
            byte* tile = matrix->Packed + (r / TileRows * matrix->TileBytes);
            for (int row = 0; row < rows; row++)
            {
                Tile(tile, matrix->Columns, x, row, y + ((nint)row * stride) + (r - begin), scratch);
            }
        }
    }

    private static void Tile(byte* tile, int columns, ActivationView* x, int row, float* y, byte* scratch)
    {
        byte* start = x->Row(row);
        float* values = (float*)(start + x->Layout.Real);
        float* sums = (float*)(start + (TBlock.SubBlockSize == 16 ? x->Layout.RealSums16 : x->Layout.RealSums32));
        for (int column = 0; column < columns; column += 32 * PiecesPerSegment)
        {
            int pieces = Math.Min(PiecesPerSegment, (columns - column) / 32);
            int bytes = PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            for (int first = 0; first < TileRows; first += TSimd.Lanes)
            {
                Multiply(tile + PackedLayout<TBlock, TCodes>.CodesOffset(pieces) + (first * 4), pieces, values + column, scratch, first == 0 ? bytes / pieces : 0);
                var acc = Join(tile, pieces, first, scratch, sums + (column / TBlock.SubBlockSize));
                TSimd.Store(y + first, column == 0 ? acc : TSimd.Add(TSimd.Load(y + first), acc));
            }

            tile += bytes;
        }
    }

    /// <summary>t of every sub-block of a segment, for the rows of a vector. Asks for as many bytes ahead as it is told per piece.</summary>
    private static void Multiply(byte* codes, int pieces, float* x, byte* t, int share)
    {
        byte* ahead = codes + PrefetchBytes;
        for (int piece = 0; piece < pieces; piece += Chains)
        {
            Prefetch.Lines(ahead, Chains * share);
            ahead += Chains * share;

            if (pieces - piece > 2)
            {
                // Where only three are left, one is multiplied twice.
                int fourth = Math.Min(3, pieces - piece - 1);
                Four(codes, codes + (fourth * TCodes.PieceBytes), x, x + (32 * fourth), t);
            }
            else
            {
                int second = pieces - piece - 1;
                Two(codes, codes + (second * TCodes.PieceBytes), x, x + (32 * second), t);
            }

            codes += Chains * TCodes.PieceBytes;
            x += Chains * 32;
            t += Chains * SubBlocks * VectorBytes;
        }
    }

    private static void Four(byte* codes, byte* codes3, float* x, float* x3, byte* t)
    {
        byte* codes1 = codes + TCodes.PieceBytes, codes2 = codes1 + TCodes.PieceBytes;
        for (int sub = 0; sub < SubBlocks; sub++)
        {
            V t0 = TSimd.Zero, t1 = TSimd.Zero, t2 = TSimd.Zero, t3 = TSimd.Zero;
            for (int pair = sub * PairsPerSubBlock; pair < (sub + 1) * PairsPerSubBlock; pair++)
            {
                // Nibbles stay together in one vector; other codes are taken apart into two of bytes.
                Load(codes, pair, out var even0, out var odd0);
                Load(codes1, pair, out var even1, out var odd1);
                Load(codes2, pair, out var even2, out var odd2);
                Load(codes3, pair, out var even3, out var odd3);
                float* at = x + (8 * pair), at3 = x3 + (8 * pair);
                Step(ref t0, ref t1, ref t2, ref t3, even0, even1, even2, even3, 0, at, at3);
                Step(ref t0, ref t1, ref t2, ref t3, even0, even1, even2, even3, 1, at, at3);
                Step(ref t0, ref t1, ref t2, ref t3, odd0, odd1, odd2, odd3, 2, at, at3);
                Step(ref t0, ref t1, ref t2, ref t3, odd0, odd1, odd2, odd3, 3, at, at3);
            }

            TSimd.Store(t + (sub * VectorBytes), t0);
            TSimd.Store(t + ((sub + SubBlocks) * VectorBytes), t1);
            TSimd.Store(t + ((sub + (2 * SubBlocks)) * VectorBytes), t2);
            TSimd.Store(t + ((sub + (3 * SubBlocks)) * VectorBytes), t3);
        }
    }

    private static void Two(byte* codes, byte* codes1, float* x, float* x1, byte* t)
    {
        for (int sub = 0; sub < SubBlocks; sub++)
        {
            V t0 = TSimd.Zero, t1 = TSimd.Zero;
            for (int pair = sub * PairsPerSubBlock; pair < (sub + 1) * PairsPerSubBlock; pair++)
            {
                Load(codes, pair, out var even0, out var odd0);
                Load(codes1, pair, out var even1, out var odd1);
                float* at = x + (8 * pair), at1 = x1 + (8 * pair);
                t0 = Codes(Codes(t0, even0, 0, at), even0, 1, at);
                t1 = Codes(Codes(t1, even1, 0, at1), even1, 1, at1);
                t0 = Codes(Codes(t0, odd0, 2, at), odd0, 3, at);
                t1 = Codes(Codes(t1, odd1, 2, at1), odd1, 3, at1);
            }

            TSimd.Store(t + (sub * VectorBytes), t0);
            TSimd.Store(t + ((sub + SubBlocks) * VectorBytes), t1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(byte* codes, int pair, out V even, out V odd)
    {
        if (TCodes.IsNibbles)
        {
            even = odd = TSimd.Load(codes + (Planes.Chunk * pair));
        }
        else
        {
            TCodes.LoadPair<TSimd, V>(codes, pair, out even, out odd);
        }
    }

    /// <summary>Two columns of four pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ref V t0, ref V t1, ref V t2, ref V t3, V codes0, V codes1, V codes2, V codes3, int part, float* x, float* x3)
    {
        t0 = Codes(t0, codes0, part, x);
        t1 = Codes(t1, codes1, part, x + 32);
        t2 = Codes(t2, codes2, part, x + 64);
        t3 = Codes(t3, codes3, part, x3);
    }

    /// <summary>Columns 2 · part and 2 · part + 1 of a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Codes(V t, V codes, int part, float* x) =>
        TCodes.IsNibbles ? TSimd.AddNibbles(t, codes, part, TCodes.Bias, x + (2 * part))
        : TCodes.IsWide ? TSimd.AddSignedBytes(t, codes, part & 1, x + (2 * part))
        : TSimd.AddBytes(t, codes, part & 1, TCodes.Bias, x + (2 * part));

    /// <summary>The segment: scales and minimums applied to the sub-blocks, in order.</summary>
    private static V Join(byte* segment, int pieces, int first, byte* t, float* sums)
    {
        var at = new SegmentCursor<TBlock, TCodes>(segment, pieces);
        var acc = TSimd.Zero;
        int piece = 0;
        for (byte* end = t + (pieces * SubBlocks * VectorBytes); t < end; t += SubBlocks * VectorBytes)
        {
            RealScales<TSimd, V, TBlock, TCodes>.Load(at.Scales, at.SubScales, first, out var scale0, out var scale1);
            V minimum0 = TSimd.Zero, minimum1 = TSimd.Zero;
            if (PackedLayout<TBlock, TCodes>.HasMinimum)
            {
                RealScales<TSimd, V, TBlock, TCodes>.Load(at.Minimums, at.SubMinimums, first, out minimum0, out minimum1);
            }

            acc = AddSubBlock(acc, scale0, minimum0, t, sums);
            if (SubBlocks == 2)
            {
                acc = AddSubBlock(acc, scale1, minimum1, t + VectorBytes, sums + 1);
            }

            sums += SubBlocks;
            at.Next(piece++);
        }

        return acc;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddSubBlock(V acc, V scale, V minimum, byte* t, float* sum)
    {
        acc = TSimd.AddProduct(acc, scale, t);
        return PackedLayout<TBlock, TCodes>.HasMinimum ? TSimd.MultiplyAdd(minimum, TSimd.Broadcast(sum), acc) : acc;
    }
}
