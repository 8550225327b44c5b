using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes −1 and +1: eight groups share a chunk, a bit each. Stored codes are 0 and 2.</summary>
internal unsafe struct OneBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    public static int PieceBytes => 64;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 2;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 1, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var mask = TSimd.Set(0x02020202);
        var chunk = TSimd.Load(piece);
        even = TSimd.Field(chunk, 1 - (2 * pair), mask);
        odd = TSimd.Field(chunk, -2 * pair, mask);
    }
}
