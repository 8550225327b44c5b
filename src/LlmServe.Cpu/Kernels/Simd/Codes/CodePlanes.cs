using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Codes 0 … 15: two groups share a chunk, one in the low nibbles and one in the high.</summary>
internal unsafe struct FourBit<TBias> : ICodePlanes where TBias : struct, IBias
{
    public static int PieceBytes => 256;

    public static int Bias => TBias.Value;

    public static bool Wide => false;

    public static bool IsNibbles => true;

    public static int GroupsPerSum => 8;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var mask = TSimd.Set(0x0f0f0f0f);
        var chunk = TSimd.Load(piece + (Planes.Chunk * pair));
        even = TSimd.And(chunk, mask);
        odd = TSimd.And(TSimd.ShiftRight16(chunk, 4), mask);
    }
}

/// <summary>Codes 0 … 31: nibbles, then a plane with the fifth bits of all groups.</summary>
internal unsafe struct FiveBit<TBias> : ICodePlanes where TBias : struct, IBias
{
    private const int HighPlane = 256;

    public static int PieceBytes => 320;

    public static int Bias => TBias.Value;

    public static bool Wide => false;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 4;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 4);
        Planes.Store(codes, piece + HighPlane, 4, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        FourBit<NoBias>.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var mask = TSimd.Set(0x10101010);
        var high = TSimd.Load(piece + HighPlane);
        even = TSimd.Or(even, TSimd.And(Planes.Shift<TSimd, V>(high, 4 - (2 * pair)), mask));
        odd = TSimd.Or(odd, TSimd.And(Planes.Shift<TSimd, V>(high, 3 - (2 * pair)), mask));
    }
}

/// <summary>Codes 0 … 3: four groups share a chunk.</summary>
internal unsafe struct TwoBit : ICodePlanes
{
    public static int PieceBytes => 128;

    public static int Bias => 0;

    public static bool Wide => false;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 8;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        var mask = TSimd.Set(0x03030303);
        var chunk = TSimd.Load(piece + (Planes.Chunk * (pair / 2)));
        even = TSimd.And(Planes.Shift<TSimd, V>(chunk, -4 * (pair % 2)), mask);
        odd = TSimd.And(Planes.Shift<TSimd, V>(chunk, (-4 * (pair % 2)) - 2), mask);
    }
}

/// <summary>Codes 0 … 7, stored with a bias of 4: two-bit planes, then a plane with the third bits.</summary>
internal unsafe struct ThreeBit : ICodePlanes
{
    private const int HighPlane = 128;

    public static int PieceBytes => 192;

    public static int Bias => 4;

    public static bool Wide => false;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 8;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 2);
        Planes.Store(codes, piece + HighPlane, 2, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        TwoBit.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var mask = TSimd.Set(0x04040404);
        var high = TSimd.Load(piece + HighPlane);
        even = TSimd.Or(even, TSimd.And(Planes.Shift<TSimd, V>(high, 2 - (2 * pair)), mask));
        odd = TSimd.Or(odd, TSimd.And(Planes.Shift<TSimd, V>(high, 1 - (2 * pair)), mask));
    }
}

/// <summary>Codes 0 … 63, stored with a bias of 32: nibbles, then two-bit planes.</summary>
internal unsafe struct SixBit : ICodePlanes
{
    private const int HighPlane = 256;

    public static int PieceBytes => 384;

    public static int Bias => 32;

    public static bool Wide => false;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 2;

    public static void Pack(byte* codes, byte* piece)
    {
        Planes.Store(codes, piece, 0, 4);
        Planes.Store(codes, piece + HighPlane, 4, 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        FourBit<NoBias>.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var mask = TSimd.Set(0x30303030);
        var high = TSimd.Load(piece + HighPlane + (Planes.Chunk * (pair / 2)));
        even = TSimd.Or(even, TSimd.And(Planes.Shift<TSimd, V>(high, 4 - (4 * (pair % 2))), mask));
        odd = TSimd.Or(odd, TSimd.And(Planes.Shift<TSimd, V>(high, 2 - (4 * (pair % 2))), mask));
    }
}

/// <summary>Signed bytes.</summary>
internal unsafe struct EightBit : ICodePlanes
{
    public static int PieceBytes => 512;

    public static int Bias => 0;

    public static bool Wide => true;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 1;

    public static void Pack(byte* codes, byte* piece) => Planes.Store(codes, piece, 0, 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        even = TSimd.Load(piece + (Planes.Chunk * 2 * pair));
        odd = TSimd.Load(piece + (Planes.Chunk * ((2 * pair) + 1)));
    }
}

/// <summary>Signed bytes out of a table of 16 (IQ4_NL, IQ4_XS): nibbles that index it.</summary>
internal unsafe struct TableFourBit : ICodePlanes
{
    public static int PieceBytes => 256;

    public static int Bias => 0;

    public static bool Wide => true;

    public static bool IsNibbles => false;

    public static int GroupsPerSum => 1;

    public static void Pack(byte* codes, byte* piece)
    {
        byte* indexes = stackalloc byte[16 * 32];
        for (int i = 0; i < 16 * 32; i++)
        {
            indexes[i] = (byte)IQ4_NL.Values.IndexOf((sbyte)codes[i]);
        }

        Planes.Store(indexes, piece, 0, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        FourBit<NoBias>.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var table = TSimd.Repeat128(Unsafe.AsPointer(ref MemoryMarshal.GetReference(IQ4_NL.Values)));
        even = TSimd.Lookup(table, even);
        odd = TSimd.Lookup(table, odd);
    }
}

/// <summary>A constant as a type.</summary>
internal interface IBias
{
    static abstract int Value { get; }
}

/// <summary>0.</summary>
internal struct NoBias : IBias
{
    public static int Value => 0;
}

/// <summary>8 (Q4_0).</summary>
internal struct Bias8 : IBias
{
    public static int Value => 8;
}

/// <summary>16 (Q5_0).</summary>
internal struct Bias16 : IBias
{
    public static int Value => 16;
}
