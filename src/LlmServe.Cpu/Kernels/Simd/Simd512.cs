using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<int>;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>AVX-512 (F and BW): 16 rows a vector.</summary>
internal unsafe struct Simd512 : ISimd<V>
{
    public static int Lanes => 16;

    public static bool SumsSignedBytes => false;

    public static V Zero => V.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(void* source) => Vector512.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* target, V value) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Broadcast(void* source) => Vector512.Create(*(int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Set(int value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V And(V a, V b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Or(V a, V b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft16(V a, byte count) => Vector512.ShiftLeft(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Field(V bytes, int left, V mask) => left switch
    {
        > 0 => Vector512.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask,
        < 0 => Vector512.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask,
        _ => bytes & mask,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WithField(V codes, V bytes, int left, V mask) => left switch
    {
        > 0 => codes | (Vector512.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask),
        < 0 => codes | (Vector512.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask),
        _ => codes | (bytes & mask),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic16(V a, byte count) => Vector512.ShiftRightArithmetic(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft32(V a, byte count) => Vector512.ShiftLeft(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic32(V a, byte count) => Vector512.ShiftRightArithmetic(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAddBytes(V unsigned, V signed) => Avx512BW.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd16(V a, V b) => Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add16(V a, V b) => (a.AsInt16() + b.AsInt16()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract16(V a, V b) => (a.AsInt16() - b.AsInt16()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add32(V a, V b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract32(V a, V b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply32(V a, V b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ToSingle(V a) => Vector512.ConvertToSingle(a).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply(V a, V b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V a, V b) => (a.AsSingle() + b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd(V a, V b, V c) => Avx512F.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V unsigned, void* signed) =>
        (sum.AsInt16() + Avx512BW.MultiplyAddAdjacent(unsigned.AsByte(), Vector512.Load((sbyte*)signed))).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, void* b) => sum + Avx512BW.MultiplyAddAdjacent(a.AsInt16(), Vector512.Load((short*)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V unsigned, V signed) =>
        (sum.AsInt16() + Avx512BW.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, V b) => sum + Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WidenSums(V sums, V scales) => Avx512BW.MultiplyAddAdjacent(sums.AsInt16(), scales.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaled(V sum, V n, V factor, void* scale) =>
        Avx512F.FusedMultiplyAdd(factor.AsSingle() * Vector512.Load((float*)scale), Vector512.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProduct(V sum, V factor, void* values) => Avx512F.FusedMultiplyAdd(factor.AsSingle(), Vector512.Load((float*)values), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V PairProducts(V even, V odd, void* x) => (Avx512BW.MultiplyAddAdjacent(even.AsByte(), Vector512.Create(*(int*)x).AsSByte())
        + Avx512BW.MultiplyAddAdjacent(odd.AsByte(), Vector512.Create(((int*)x)[1]).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddPairProducts(V sum, V even, V odd, void* x) => (sum.AsInt16()
        + Avx512BW.MultiplyAddAdjacent(even.AsByte(), Vector512.Create(*(int*)x).AsSByte())
        + Avx512BW.MultiplyAddAdjacent(odd.AsByte(), Vector512.Create(((int*)x)[1]).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddWidePairProducts(V sum, V even, V odd, void* x) => sum
        + Avx512BW.MultiplyAddAdjacent(even.AsInt16(), Vector512.Create(*(int*)x).AsInt16())
        + Avx512BW.MultiplyAddAdjacent(odd.AsInt16(), Vector512.Create(((int*)x)[1]).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SubtractProducts16(V sum, V a, void* x) => sum - Avx512BW.MultiplyAddAdjacent(a.AsInt16(), Vector512.Create(*(int*)x).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaledBy(V sum, V n, V w, void* scale) =>
        Avx512F.FusedMultiplyAdd(w.AsSingle() * Vector512.Create(*(float*)scale), Vector512.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddMinimum(V sum, V minimums, void* sums, V m, void* scale) => Avx512F.FusedMultiplyAdd(
        m.AsSingle() * Vector512.Create(*(float*)scale),
        Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(minimums.AsInt16(), Vector512.Create(*(int*)sums).AsInt16())),
        sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddNibbles(V sum, V codes, int part, int bias, float* x)
    {
        var word = (part & 1) == 0 ? codes : codes >>> 16;
        if (part < 2)
        {
            // A permutation looks at four bits of its index alone: it finds the value of the lowest nibble. The others go through a mantissa.
            var table = Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) - Vector512.Create((float)bias);
            sum = AddCode(sum, Avx512F.PermuteVar16x32(table, word), x);
            return AddField(sum, word, 0xf, 8, 0, bias, x + 1);
        }

        sum = AddField(sum, word, 0xf, 4, 0, bias, x);
        return AddField(sum, word, 0xf, 12, 0, bias, x + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddBytes(V sum, V codes, int part, int bias, float* x)
    {
        var word = part == 0 ? codes : codes >>> 16;
        sum = AddField(sum, word, 0x7f, 0, 0, bias, x);
        return AddField(sum, word, 0x7f, 8, 0, bias, x + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddSignedBytes(V sum, V codes, int part, float* x)
    {
        var word = part == 0 ? codes : codes >>> 16;
        sum = AddField(sum, word, 0xff, 0, 0x80, 0x80, x);
        return AddField(sum, word, 0xff, 8, 0x80, 0x80, x + 1);
    }

    /// <summary>
    /// One fused step with the field of bits at <paramref name="at"/>, some of them flipped, less a bias. With the exponent of 2^(23 − at) above it, a field
    /// stands in the mantissa as an f32 that is 2^(23 − at) too large; what is subtracted and what is left are exact.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddField(V sum, V codes, int mask, int at, int flip, int bias, float* x)
    {
        var large = Avx512F.TernaryLogic(codes, Set(mask << at), Set(((150 - at) << 23) | (flip << at)), 0x6a); // (a & b) ^ c
        return AddCode(sum, large.AsSingle() - Vector512.Create((float)((1 << (23 - at)) + bias)), x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddCode(V sum, Vector512<float> code, float* x) => Avx512F.FusedMultiplyAdd(code, Vector512.Create(*x), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract8(V a, V b) => (a.AsSByte() - b.AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Lookup(V table, V index) => Avx512BW.Shuffle(table.AsByte(), index.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Repeat128(void* source)
    {
        var part = Vector128.Load((int*)source);
        return Vector512.Create(Vector256.Create(part, part), Vector256.Create(part, part));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadHalves(void* source)
    {
        // Exponent and mantissa move to their f32 places, which scales by 2^-112 (subnormals included); the product with 2^112 is exact.
        var bits = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source)) << 13;
        return MultiplyAdd(bits & Set(unchecked((int)0x8fffe000)), Set(0x77800000), V.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBrains(void* source) => Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)source)) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytePairs(void* source) =>
        LowTwice(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadTwoBytes(void* source)
    {
        var both = Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)source));
        return ShiftRightArithmetic16(((both << 8) & Set(0xff00)) | ((both & Set(0xff00)) << 16), 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LowTwice(V a) => (a & Set(0xffff)) | (a << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V HighTwice(V a) => (a & Set(unchecked((int)0xffff0000))) | (a >>> 16);
}
