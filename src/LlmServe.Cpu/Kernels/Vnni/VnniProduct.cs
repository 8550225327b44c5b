using System.Runtime.InteropServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Cpu.Memory;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>Matrix times rows in <c>int8</c> mode by the functions of <see cref="SegmentCode{TBlock, TCodes}"/>, straight over the packed tiles.</summary>
internal static unsafe class VnniProduct<TBlock, TCodes>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = KernelTable.TileRows;
    private const int MostRows = SegmentCode<TBlock, TCodes>.MostRows;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;

    /// <summary>Segments that are taken together, so that their part of a tile and of a few rows stays in the first cache and that of all rows in the second.</summary>
    private const int SegmentsAtOnce = 8;

    /// <summary>What the first segment is added to: with −0 a sum keeps its bits, also those of −0.</summary>
    private static readonly float* Nothing = Fill(-0f);

    /// <summary>Functions by rows of activations less one.</summary>
    private static readonly delegate* unmanaged[SuppressGCTransition]<SegmentWork*, void>* Functions =
        (delegate* unmanaged[SuppressGCTransition]<SegmentWork*, void>*)Code(MostRows, i => SegmentCode<TBlock, TCodes>.Full(i + 1));

    /// <summary>What they go on with, by rows less one, then pieces.</summary>
    private static readonly byte** Rests =
        Code(MostRows * PiecesPerSegment, i => SegmentCode<TBlock, TCodes>.Rest((i / PiecesPerSegment) + 1, i % PiecesPerSegment));

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        int pieces = matrix->Columns / 32;
        for (int piece = 0; piece < pieces; piece += SegmentsAtOnce * PiecesPerSegment)
        {
            Chunk(matrix, x, rows, begin, end, y, stride, piece, Math.Min(SegmentsAtOnce * PiecesPerSegment, pieces - piece));
        }
    }

    /// <summary>Segments of all tiles times all rows. The first piece starts a segment.</summary>
    private static void Chunk(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, int firstPiece, int pieces)
    {
        nint rowBytes = x->Layout.RowBytes, resultBytes = (nint)stride * sizeof(float);
        byte* start = x->Data + (4 * firstPiece);
        byte* codes = x->Data + x->Layout.Signed8 + (32 * firstPiece);
        byte* segment = matrix->Packed + ((long)(firstPiece / PiecesPerSegment) * PackedLayout<TBlock, TCodes>.SegmentBytes(PiecesPerSegment));
        var work = new SegmentWork
        {
            RowBytes = rowBytes, BeforeBytes = firstPiece == 0 ? 0 : resultBytes, ResultBytes = resultBytes, Count = pieces / PiecesPerSegment,
        };
        for (int r = begin; r < end; r += TileRows)
        {
            work.Segment = segment + (r / TileRows * matrix->TileBytes);
            for (int row = 0; row < rows; row += MostRows)
            {
                int count = Math.Min(MostRows, rows - row);
                work.Codes = codes + (row * rowBytes);
                work.Scales = start + (row * rowBytes) + x->Layout.Scales;
                work.Sums = start + (row * rowBytes) + x->Layout.Sums;
                work.Results = y + (r - begin) + ((nint)row * stride);
                work.Before = firstPiece == 0 ? Nothing : work.Results;
                work.Rest = Rests[((count - 1) * PiecesPerSegment) + (pieces % PiecesPerSegment)];
                Functions[count - 1](&work);
            }
        }
    }

    private static float* Fill(float value)
    {
        float* vector = (float*)NativeMemory.Alloc(TileRows, sizeof(float));
        new Span<float>(vector, TileRows).Fill(value);
        return vector;
    }

    /// <summary>Executable code by number, kept as long as the process.</summary>
    private static byte** Code(int count, Func<int, byte[]> write)
    {
        byte** code = (byte**)NativeMemory.Alloc((nuint)count, (nuint)sizeof(nint));
        for (int i = 0; i < count; i++)
        {
            code[i] = ExecutableMemory.Add(write(i));
        }

        return code;
    }
}
