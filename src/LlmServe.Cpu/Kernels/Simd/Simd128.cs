using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using V = System.Runtime.Intrinsics.Vector128<int>;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// NEON: 4 rows a vector. Products of bytes are signed and add up in 32 bits: one instruction where the processor has dot products, four otherwise.
/// What has no portable name in the runtime stands beside a portable form, so that tests run this width on any processor.
/// </summary>
internal unsafe struct Simd128 : ISimd<V>
{
    public static int Lanes => 4;

    public static bool SumsSignedBytes => true;

    public static V Zero => V.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(void* source) => Vector128.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* target, V value) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Broadcast(void* source) =>
        AdvSimd.IsSupported ? AdvSimd.LoadAndReplicateToVector128((int*)source) : Vector128.Create(*(int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Set(int value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V And(V a, V b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Or(V a, V b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft16(V a, byte count) => Vector128.ShiftLeft(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Field(V bytes, int left, V mask) => left switch
    {
        > 0 => Vector128.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask,
        < 0 => Vector128.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask,
        _ => bytes & mask,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WithField(V codes, V bytes, int left, V mask) => left switch
    {
        > 0 => codes | (Vector128.ShiftLeft(bytes.AsInt16(), left).AsInt32() & mask),
        < 0 => codes | (Vector128.ShiftRightLogical(bytes.AsInt16(), -left).AsInt32() & mask),
        _ => codes | (bytes & mask),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic16(V a, byte count) => Vector128.ShiftRightArithmetic(a.AsInt16(), count).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftLeft32(V a, byte count) => Vector128.ShiftLeft(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ShiftRightArithmetic32(V a, byte count) => Vector128.ShiftRightArithmetic(a, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAddBytes(V unsigned, V signed)
    {
        var (u0, u1) = Vector128.Widen(unsigned.AsByte());
        var (s0, s1) = Vector128.Widen(signed.AsSByte());
        return PairSums(u0.AsInt16() * s0, u1.AsInt16() * s1).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd16(V a, V b)
    {
        if (AdvSimd.Arm64.IsSupported)
        {
            var low = AdvSimd.MultiplyWideningLower(a.AsInt16().GetLower(), b.AsInt16().GetLower());
            return AdvSimd.Arm64.AddPairwise(low, AdvSimd.MultiplyWideningUpper(a.AsInt16(), b.AsInt16()));
        }

        return (((a << 16) >> 16) * ((b << 16) >> 16)) + ((a >> 16) * (b >> 16));
    }

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
    public static V ToSingle(V a) => Vector128.ConvertToSingle(a).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply(V a, V b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V a, V b) => (a.AsSingle() + b.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd(V a, V b, V c) => Vector128.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V a, void* b) => AddByteProducts(sum, a, Vector128.Load((int*)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddByteProducts(V sum, V a, V b)
    {
        if (Dp.IsSupported)
        {
            return Dp.DotProduct(sum, a.AsSByte(), b.AsSByte());
        }

        if (AdvSimd.Arm64.IsSupported)
        {
            // Two products of a code in -128 … 127 and an activation in -127 … 127 fit 16 bits.
            var low = AdvSimd.MultiplyWideningLower(a.AsSByte().GetLower(), b.AsSByte().GetLower());
            var high = AdvSimd.MultiplyWideningUpper(a.AsSByte(), b.AsSByte());
            return AdvSimd.AddPairwiseWideningAndAdd(sum, AdvSimd.Arm64.AddPairwise(low, high));
        }

        var (a0, a1) = Vector128.Widen(a.AsSByte());
        var (b0, b1) = Vector128.Widen(b.AsSByte());
        return sum + MultiplyAdd16(PairSums(a0 * b0, a1 * b1).AsInt32(), Set(0x00010001));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WidenSums(V sums, V scales) => sums * scales;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, void* b) => sum + MultiplyAdd16(a, Vector128.Load((int*)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProducts16(V sum, V a, V b) => sum + MultiplyAdd16(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaled(V sum, V n, V factor, void* scale) =>
        Vector128.FusedMultiplyAdd(factor.AsSingle() * Vector128.Load((float*)scale), Vector128.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddProduct(V sum, V factor, void* values) =>
        Vector128.FusedMultiplyAdd(factor.AsSingle(), Vector128.Load((float*)values), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V PairProducts(V even, V odd, void* x) => Add16(MultiplyAddBytes(even, Broadcast(x)), MultiplyAddBytes(odd, Broadcast((int*)x + 1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddPairProducts(V sum, V even, V odd, void* x) =>
        AddByteProducts(AddByteProducts(sum, even, Broadcast(x)), odd, Broadcast((int*)x + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddWidePairProducts(V sum, V even, V odd, void* x) =>
        sum + MultiplyAdd16(even, Broadcast(x)) + MultiplyAdd16(odd, Broadcast((int*)x + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SubtractProducts16(V sum, V a, void* x) => sum - MultiplyAdd16(a, Broadcast(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddScaledBy(V sum, V n, V w, void* scale) =>
        Vector128.FusedMultiplyAdd(w.AsSingle() * Broadcast(scale).AsSingle(), Vector128.ConvertToSingle(n), sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddMinimum(V sum, V minimums, void* sums, V m, void* scale) => Vector128.FusedMultiplyAdd(
        m.AsSingle() * Broadcast(scale).AsSingle(),
        Vector128.ConvertToSingle(MultiplyAdd16(minimums, Broadcast(sums))),
        sum.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddNibbles(V sum, V codes, int part, int bias, float* x)
    {
        var nibbles = (part < 2 ? codes : Vector128.ShiftRightLogical(codes.AsByte(), 4).AsInt32()) & Set(0x0f0f0f0f);
        return AddBytes(sum, nibbles, part & 1, bias, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddBytes(V sum, V codes, int part, int bias, float* x) =>
        AddSignedBytes(sum, bias == 0 ? codes : Subtract8(codes, Set(bias * 0x01010101)), part, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V AddSignedBytes(V sum, V codes, int part, float* x)
    {
        var first = part == 0 ? codes << 24 >> 24 : codes << 8 >> 24;
        var second = part == 0 ? codes << 16 >> 24 : codes >> 24;
        sum = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(first), Vector128.Create(*x), sum.AsSingle()).AsInt32();
        return Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(second), Vector128.Create(x[1]), sum.AsSingle()).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract8(V a, V b) => (a.AsSByte() - b.AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Lookup(V table, V index) => Vector128.Shuffle(table.AsByte(), index.AsByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Repeat128(void* source) => Vector128.Load((int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadHalves(void* source)
    {
        // Exponent and mantissa move to their f32 places, which scales by 2^-112 (subnormals included); the product with 2^112 is exact.
        var bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsInt16()) << 13;
        return MultiplyAdd(bits & Set(unchecked((int)0x8fffe000)), Set(0x77800000), V.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBrains(void* source) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsUInt16()).AsInt32() << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytePairs(void* source) =>
        LowTwice(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)source).AsSByte())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadTwoBytes(void* source) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsSByte()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LowTwice(V a) => (a & Set(0xffff)) | (a << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V HighTwice(V a) => (a & Set(unchecked((int)0xffff0000))) | (a >>> 16);

    /// <summary>Sums of neighbours: those of <paramref name="a"/>, then those of <paramref name="b"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> PairSums(Vector128<short> a, Vector128<short> b) => AdvSimd.Arm64.IsSupported
        ? AdvSimd.Arm64.AddPairwise(a, b)
        : Vector128.Narrow(a.AsInt32() + (a.AsInt32() >> 16), b.AsInt32() + (b.AsInt32() >> 16));
}
