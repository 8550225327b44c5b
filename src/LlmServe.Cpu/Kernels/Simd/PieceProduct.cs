using System.Runtime.CompilerServices;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// The integer dot product of a piece (32 weights of each row of a vector) with signed 8-bit activations, without the bias and with sub-block scales
/// applied: <c>n</c> of docs/numerics.md, exact in 32 bits.
/// </summary>
internal static unsafe class PieceProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private static readonly bool SumsSignedBytes = TSimd.SumsSignedBytes;

    /// <summary>Groups of four whose products add up in 16 bits.</summary>
    public static readonly int GroupsPerSum = Planes.GroupsPerSum(TCodes.Largest);

    /// <summary>
    /// <paramref name="x"/> points at the piece's 32 codes: signed bytes, or 16-bit numbers in the order 0, 2, 1, 3 of each four for wide codes
    /// (unless the instruction set sums signed bytes).
    /// <paramref name="scales"/> are sub-block scales as pairs of 16 bits (first half, second half), ones where there are none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Dot(byte* codes, byte* x, V scales)
    {
        if (SumsSignedBytes)
        {
            return SignedDot(codes, x, scales);
        }

        if (TCodes.IsWide)
        {
            var sum = Wide(codes, x, 0);
            sum = TSimd.Add32(sum, Wide(codes, x, 1));
            sum = TSimd.Add32(sum, Wide(codes, x, 2));
            sum = TSimd.Add32(sum, Wide(codes, x, 3));
            // Wide formats have one scale per 32.
            return PackedLayout<TBlock, TCodes>.IsSuper ? TSimd.Multiply32(sum, TSimd.ShiftRightArithmetic32(scales, 16)) : sum;
        }

        bool halves = TBlock.SubBlockSize == 16;
        if (GroupsPerSum == 8 && !halves)
        {
            var all = TSimd.Add16(TSimd.Add16(Pair(codes, x, 0), Pair(codes, x, 1)), TSimd.Add16(Pair(codes, x, 2), Pair(codes, x, 3)));
            return TSimd.MultiplyAdd16(all, scales);
        }

        return TSimd.Add32(Half(codes, x, 0, halves ? TSimd.LowTwice(scales) : scales), Half(codes, x, 2, halves ? TSimd.HighTwice(scales) : scales));
    }

    /// <summary>The dot products of the halves of a piece, each by itself, for formats whose halves have real scales of their own; <paramref name="x"/> as above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotHalves(byte* codes, byte* x, out V first, out V second)
    {
        if (SumsSignedBytes)
        {
            first = SignedPair(SignedPair(TSimd.Zero, codes, x, 0), codes, x, 1);
            second = SignedPair(SignedPair(TSimd.Zero, codes, x, 2), codes, x, 3);
            return;
        }

        var ones = TSimd.Set(0x00010001);
        first = Half(codes, x, 0, ones);
        second = Half(codes, x, 2, ones);
    }

    /// <summary>Two pairs of groups, unsigned codes, widened as often as 16-bit sums ask for; scales as pairs of equal 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Half(byte* codes, byte* x, int pair, V scale)
    {
        if (GroupsPerSum == 1)
        {
            return TSimd.Add32(PairInTwo(codes, x, pair, scale), PairInTwo(codes, x, pair + 1, scale));
        }

        return GroupsPerSum == 2
            ? TSimd.Add32(TSimd.MultiplyAdd16(Pair(codes, x, pair), scale), TSimd.MultiplyAdd16(Pair(codes, x, pair + 1), scale))
            : TSimd.MultiplyAdd16(TSimd.Add16(Pair(codes, x, pair), Pair(codes, x, pair + 1)), scale);
    }

    /// <summary>With 32-bit sums: all codes, biased or not, are signed bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SignedDot(byte* codes, byte* x, V scales)
    {
        var first = SignedPair(SignedPair(TSimd.Zero, codes, x, 0), codes, x, 1);
        var second = SignedPair(SignedPair(TSimd.Zero, codes, x, 2), codes, x, 3);
        if (!PackedLayout<TBlock, TCodes>.IsSuper)
        {
            return TSimd.Add32(first, second);
        }

        var high = TSimd.ShiftRightArithmetic32(scales, 16);
        return TBlock.SubBlockSize == 16
            ? TSimd.Add32(TSimd.WidenSums(first, TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(scales, 16), 16)), TSimd.WidenSums(second, high))
            : TSimd.WidenSums(TSimd.Add32(first, second), high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SignedPair(V sum, byte* codes, byte* x, int pair)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        sum = TSimd.AddByteProducts(sum, even, TSimd.Broadcast(x + (8 * pair)));
        return TSimd.AddByteProducts(sum, odd, TSimd.Broadcast(x + (8 * pair) + 4));
    }

    /// <summary>16-bit sums over eight weights, unsigned codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Pair(byte* codes, byte* x, int pair)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        return TSimd.PairProducts(even, odd, x + (8 * pair));
    }

    /// <summary>32-bit sums over eight weights, unsigned codes of which only a group fits 16-bit sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PairInTwo(byte* codes, byte* x, int pair, V scale)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        return TSimd.Add32(
            TSimd.MultiplyAdd16(TSimd.MultiplyAddBytes(even, TSimd.Broadcast(x + (8 * pair))), scale),
            TSimd.MultiplyAdd16(TSimd.MultiplyAddBytes(odd, TSimd.Broadcast(x + (8 * pair) + 4)), scale));
    }

    /// <summary>32-bit sums over eight weights, signed bytes widened by shifts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Wide(byte* codes, byte* x, int pair)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        return TSimd.Add32(WideGroup(even, x + (16 * pair)), WideGroup(odd, x + (16 * pair) + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V WideGroup(V codes, byte* x) => TSimd.Add32(
        TSimd.MultiplyAdd16(TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(codes, 8), 8), TSimd.Broadcast(x)),
        TSimd.MultiplyAdd16(TSimd.ShiftRightArithmetic16(codes, 8), TSimd.Broadcast(x + 4)));

    /// <summary>Sub-block entries of a piece as pairs of 16 bits; <paramref name="part"/> is the vector's offset in a chunk of 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SubEntries(byte* entries, int part) => TBlock.SubBlockSize == 16
        ? TSimd.LoadTwoBytes(entries + (part / 2))
        : TSimd.LoadBytePairs(entries + (part / 4));

    /// <summary>16-bit pairs times a power of two, given in both halves (biases are 1 to 64).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Times(V pairs, int both) => TSimd.ShiftLeft16(pairs, (byte)System.Numerics.BitOperations.TrailingZeroCount(both));
}
