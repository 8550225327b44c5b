using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 15: two groups share a chunk, one in the low nibbles and one in the high.</summary>
internal unsafe struct FourBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    public static int PieceBytes => 256;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 15;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => true;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var mask = TSimd.Set(0x0f0f0f0f);
        var chunk = TSimd.Load(piece + (Planes.Chunk * pair));
        even = TSimd.And(chunk, mask);
        odd = TSimd.Field(chunk, -4, mask);
    }
}
