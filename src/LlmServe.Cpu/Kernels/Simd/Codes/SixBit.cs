using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 63: nibbles, then two-bit planes.</summary>
internal unsafe struct SixBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private const int HighPlane = 256;

    public static int PieceBytes => 384;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 63;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 4);
        Planes.Store(codes, piece + HighPlane, 4, 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        FourBit<TBlock>.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var mask = TSimd.Set(0x30303030);
        var high = TSimd.Load(piece + HighPlane + (Planes.Chunk * (pair / 2)));
        even = TSimd.WithField(even, high, 4 - (4 * (pair % 2)), mask);
        odd = TSimd.WithField(odd, high, 2 - (4 * (pair % 2)), mask);
    }
}
