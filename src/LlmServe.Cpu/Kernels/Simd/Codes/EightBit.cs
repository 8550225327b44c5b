using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Signed bytes.</summary>
internal unsafe struct EightBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    public static int PieceBytes => 512;

    public static int Bias => 0;

    public static int Largest => 255;

    public static int Magnitude => 128;

    public static bool IsWide => true;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        even = TSimd.Load(piece + (Planes.Chunk * 2 * pair));
        odd = TSimd.Load(piece + (Planes.Chunk * ((2 * pair) + 1)));
    }
}
