using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 31: nibbles, then a plane with the fifth bits of all groups.</summary>
internal unsafe struct FiveBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private const int HighPlane = 256;

    public static int PieceBytes => 320;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 31;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 4);
        Planes.Store(codes, piece + HighPlane, 4, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        FourBit<TBlock>.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var mask = TSimd.Set(0x10101010);
        var high = TSimd.Load(piece + HighPlane);
        even = TSimd.WithField(even, high, 4 - (2 * pair), mask);
        odd = TSimd.WithField(odd, high, 3 - (2 * pair), mask);
    }
}
