using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 3: four groups share a chunk.</summary>
internal unsafe struct TwoBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    public static int PieceBytes => 128;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 3;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var mask = TSimd.Set(0x03030303);
        var chunk = TSimd.Load(piece + (Planes.Chunk * (pair / 2)));
        even = TSimd.Field(chunk, -4 * (pair % 2), mask);
        odd = TSimd.Field(chunk, (-4 * (pair % 2)) - 2, mask);
    }
}
