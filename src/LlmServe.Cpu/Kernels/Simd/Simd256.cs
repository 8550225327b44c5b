using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector256<int>;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>AVX2 and FMA: 8 rows a vector.</summary>
internal unsafe struct Simd256 : ISimd<V>
{
    public static int Lanes => 8;

    public static bool SumsSignedBytes => false;

    public static V Zero => V.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(void* source) => Vector256.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* target, V value) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Broadcast(void* source) => Vector256.Create(*(int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Set(int value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V And(V a, V b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Or(V a, V b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft16(V a, byte count) => Vector256.ShiftLeft(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Field(V bytes, int left, V mask) => left switch
    {
        > 0 => Vector256.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask,
        < 0 => Vector256.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask,
        _ => bytes & mask,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WithField(V codes, V bytes, int left, V mask) => left switch
    {
        > 0 => codes | (Vector256.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask),
        < 0 => codes | (Vector256.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask),
        _ => codes | (bytes & mask),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic16(V a, byte count) => Vector256.ShiftRightArithmetic(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft32(V a, byte count) => Vector256.ShiftLeft(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic32(V a, byte count) => Vector256.ShiftRightArithmetic(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAddBytes(V unsigned, V signed) => Avx2.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd16(V a, V b) => Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

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
    public static V ToSingle(V a) => Vector256.ConvertToSingle(a).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply(V a, V b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V a, V b) => (a.AsSingle() + b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd(V a, V b, V c) => Fma.MultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V unsigned, void* signed) =>
        (sum.AsInt16() + Avx2.MultiplyAddAdjacent(unsigned.AsByte(), Vector256.Load((sbyte*)signed))).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, void* b) => sum + Avx2.MultiplyAddAdjacent(a.AsInt16(), Vector256.Load((short*)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V unsigned, V signed) =>
        (sum.AsInt16() + Avx2.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, V b) => sum + Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WidenSums(V sums, V scales) => Avx2.MultiplyAddAdjacent(sums.AsInt16(), scales.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaled(V sum, V n, V factor, void* scale) =>
        Fma.MultiplyAdd(factor.AsSingle() * Vector256.Load((float*)scale), Vector256.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProduct(V sum, V factor, void* values) => Fma.MultiplyAdd(factor.AsSingle(), Vector256.Load((float*)values), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V PairProducts(V even, V odd, void* x) => (Avx2.MultiplyAddAdjacent(even.AsByte(), Vector256.Create(*(int*)x).AsSByte())
        + Avx2.MultiplyAddAdjacent(odd.AsByte(), Vector256.Create(((int*)x)[1]).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddPairProducts(V sum, V even, V odd, void* x) => (sum.AsInt16()
        + Avx2.MultiplyAddAdjacent(even.AsByte(), Vector256.Create(*(int*)x).AsSByte())
        + Avx2.MultiplyAddAdjacent(odd.AsByte(), Vector256.Create(((int*)x)[1]).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddWidePairProducts(V sum, V even, V odd, void* x) => sum
        + Avx2.MultiplyAddAdjacent(even.AsInt16(), Vector256.Create(*(int*)x).AsInt16())
        + Avx2.MultiplyAddAdjacent(odd.AsInt16(), Vector256.Create(((int*)x)[1]).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SubtractProducts16(V sum, V a, void* x) => sum - Avx2.MultiplyAddAdjacent(a.AsInt16(), Vector256.Create(*(int*)x).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaledBy(V sum, V n, V w, void* scale) =>
        Fma.MultiplyAdd(w.AsSingle() * Vector256.Create(*(float*)scale), Vector256.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddMinimum(V sum, V minimums, void* sums, V m, void* scale) => Fma.MultiplyAdd(
        m.AsSingle() * Vector256.Create(*(float*)scale),
        Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(minimums.AsInt16(), Vector256.Create(*(int*)sums).AsInt16())),
        sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddNibbles(V sum, V codes, int part, int bias, float* x)
    {
        var nibbles = (part < 2 ? codes : Vector256.ShiftRightLogical(codes.AsInt16(), 4).AsInt32()) & Set(0x0f0f0f0f);
        return AddBytes(sum, nibbles, part & 1, bias, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddBytes(V sum, V codes, int part, int bias, float* x)
    {
        if (bias != 0)
        {
            return AddSignedBytes(sum, Subtract8(codes, Set(bias * 0x01010101)), part, x);
        }

        // Shuffles and shifts share their pipes with nothing else here: one or the other brings a byte down to the lowest place.
        if (part == 0)
        {
            sum = AddCode(sum, codes & Set(0xff), x);
            return AddCode(sum, Avx2.Shuffle(codes.AsByte(), Vector256.Create(0xffffff01, 0xffffff05, 0xffffff09, 0xffffff0d, 0xffffff01, 0xffffff05, 0xffffff09, 0xffffff0d).AsByte()).AsInt32(), x + 1);
        }

        sum = AddCode(sum, Avx2.Shuffle(codes.AsByte(), Vector256.Create(0xffffff02, 0xffffff06, 0xffffff0a, 0xffffff0e, 0xffffff02, 0xffffff06, 0xffffff0a, 0xffffff0e).AsByte()).AsInt32(), x);
        return AddCode(sum, codes >>> 24, x + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddSignedBytes(V sum, V codes, int part, float* x)
    {
        if (part == 0)
        {
            sum = AddCode(sum, codes << 24 >> 24, x);
            return AddCode(sum, codes << 16 >> 24, x + 1);
        }

        sum = AddCode(sum, codes << 8 >> 24, x);
        return AddCode(sum, codes >> 24, x + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddCode(V sum, V code, float* x) => Fma.MultiplyAdd(Vector256.ConvertToSingle(code), Vector256.Create(*x), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract8(V a, V b) => (a.AsSByte() - b.AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Lookup(V table, V index) => Avx2.Shuffle(table.AsByte(), index.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Repeat128(void* source)
    {
        var part = Vector128.Load((int*)source);
        return Vector256.Create(part, part);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadHalves(void* source)
    {
        // Exponent and mantissa move to their f32 places, which scales by 2^-112 (subnormals included); the product with 2^112 is exact.
        var bits = Avx2.ConvertToVector256Int32((short*)source) << 13;
        return MultiplyAdd(bits & Set(unchecked((int)0x8fffe000)), Set(0x77800000), V.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBrains(void* source) => Avx2.ConvertToVector256Int32((ushort*)source) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytePairs(void* source) =>
        LowTwice(Avx2.ConvertToVector256Int32((sbyte*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadTwoBytes(void* source)
    {
        var both = Avx2.ConvertToVector256Int32((ushort*)source);
        return ShiftRightArithmetic16(((both << 8) & Set(0xff00)) | ((both & Set(0xff00)) << 16), 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LowTwice(V a) => (a & Set(0xffff)) | (a << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V HighTwice(V a) => (a & Set(unchecked((int)0xffff0000))) | (a >>> 16);
}
