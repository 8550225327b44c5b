using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 7: two-bit planes, then a plane with the third bits.</summary>
internal unsafe struct ThreeBit<TBlock> : ICodePlanes where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private const int HighPlane = 128;

    public static int PieceBytes => 192;

    public static int Bias => TBlock.CodeBias;

    public static int Largest => 7;

    public static int Magnitude => Math.Max(Bias, Largest - Bias);

    public static bool IsWide => false;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 2);
        Planes.Store(codes, piece + HighPlane, 2, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var low = TSimd.Load(piece + (Planes.Chunk * (pair / 2)));
        var high = TSimd.Load(piece + HighPlane);
        V two = TSimd.Set(0x03030303), third = TSimd.Set(0x04040404);
        even = TSimd.WithField(TSimd.Field(low, -4 * (pair % 2), two), high, 2 - (2 * pair), third);
        odd = TSimd.WithField(TSimd.Field(low, (-4 * (pair % 2)) - 2, two), high, 1 - (2 * pair), third);
    }
}
