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
    public static V Set(float value) => Vector512.Create(value).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V And(V a, V b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Or(V a, V b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft16(V a, byte count) => Vector512.ShiftLeft(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRight16(V a, byte count) => Vector512.ShiftRightLogical(a.AsInt16(), count).AsInt32();

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
