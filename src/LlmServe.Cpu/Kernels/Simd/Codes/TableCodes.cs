using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>
/// Codes out of a table of up to 16 (codebook formats, IQ4, FP4): planes of indexes into it. Codes that are small enough are stored in the table with a bias, so
/// that they are unsigned; others are signed bytes.
/// </summary>
internal unsafe struct TableCodes<TBlock, TIndexes> : ICodePlanes
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TIndexes : struct, ICodePlanes
{
    private const int Entries = 16;

    private static readonly int LargestCode = LargestMagnitude();

    private static readonly int Unsigned = (int)BitOperations.RoundUpToPowerOf2((uint)LargestCode);

    private static readonly bool HasSignedBytes = Planes.GroupsPerSum(LargestCode + Unsigned) == 0;

    private static readonly byte* Stored = Table(HasSignedBytes ? 0 : Unsigned);

    public static int PieceBytes => TIndexes.PieceBytes;

    public static int Bias => HasSignedBytes ? 0 : Unsigned;

    public static int Largest => LargestCode + Unsigned;

    public static int Magnitude => LargestCode;

    public static bool IsWide => HasSignedBytes;

    public static bool IsNibbles => false;

    public static void Pack(byte* codes, byte* piece)
    {
        byte* indexes = stackalloc byte[16 * 32];
        for (int i = 0; i < 16 * 32; i++)
        {
            // What is not there belongs to rows behind the last, whose scale is zero.
            indexes[i] = (byte)Math.Max(0, new ReadOnlySpan<byte>(Stored, TBlock.CodeTable.Length).IndexOf(codes[i]));
        }

        TIndexes.Pack(indexes, piece);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged
    {
        TIndexes.LoadPair<TSimd, V>(piece, pair, out even, out odd);
        var table = TSimd.Repeat128(Stored);
        even = TSimd.Lookup(table, even);
        odd = TSimd.Lookup(table, odd);
    }

    private static int LargestMagnitude()
    {
        int largest = 0;
        foreach (sbyte code in TBlock.CodeTable)
        {
            largest = Math.Max(largest, Math.Abs((int)code));
        }

        return largest;
    }

    /// <summary>The table with a bias, in memory that stays as long as the process.</summary>
    private static byte* Table(int bias)
    {
        byte* table = (byte*)NativeMemory.AlignedAlloc(Entries, Entries);
        new Span<byte>(table, Entries).Clear();
        for (int i = 0; i < TBlock.CodeTable.Length; i++)
        {
            table[i] = (byte)(TBlock.CodeTable[i] + bias);
        }

        return table;
    }
}
