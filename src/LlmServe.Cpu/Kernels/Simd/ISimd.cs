namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// A vector of 32-bit lanes, one matrix row each, as an instruction set offers it. Kernels are written once over this; the JIT compiles a body per
/// instruction set in which every member is one or a few instructions. <typeparamref name="V"/> holds bits: members say how they read them.
/// </summary>
internal unsafe interface ISimd<V> : ICodeSimd<V> where V : unmanaged
{
    /// <summary>32-bit lanes: 4, 8 or 16.</summary>
    static abstract int Lanes { get; }

    /// <summary>
    /// How byte products add up. False: unsigned times signed, two 16-bit sums a lane, which start at a correction where activations are made unsigned.
    /// True: signed times signed, one 32-bit sum a lane; activations stay signed, and no code needs 16-bit products.
    /// </summary>
    static abstract bool SumsSignedBytes { get; }

    /// <summary>All bits zero.</summary>
    static abstract V Zero { get; }

    static abstract void Store(void* target, V value);

    /// <summary>32 bits in every lane.</summary>
    static abstract V Broadcast(void* source);

    /// <summary>16-bit shifts.</summary>
    static abstract V ShiftLeft16(V a, byte count);

    static abstract V ShiftRightArithmetic16(V a, byte count);

    /// <summary>32-bit shifts.</summary>
    static abstract V ShiftLeft32(V a, byte count);

    static abstract V ShiftRightArithmetic32(V a, byte count);

    /// <summary>16-bit sums of neighbouring products of unsigned bytes and signed bytes; the caller keeps them in range.</summary>
    static abstract V MultiplyAddBytes(V unsigned, V signed);

    /// <summary>32-bit sums of neighbouring products of signed 16-bit numbers.</summary>
    static abstract V MultiplyAdd16(V a, V b);

    /// <summary>16-bit sum, wrapping.</summary>
    static abstract V Add16(V a, V b);

    static abstract V Subtract16(V a, V b);

    static abstract V Add32(V a, V b);

    static abstract V Subtract32(V a, V b);

    /// <summary>Low 32 bits of products.</summary>
    static abstract V Multiply32(V a, V b);

    /// <summary>i32 to f32.</summary>
    static abstract V ToSingle(V a);

    /// <summary>f32 product, sum, and fused a · b + c.</summary>
    static abstract V Multiply(V a, V b);

    static abstract V Add(V a, V b);

    static abstract V MultiplyAdd(V a, V b, V c);

    // The inner loops' compound steps: one member each keeps the number of inlined calls within the JIT's budget.

    /// <summary>sum + products of unsigned bytes and the signed bytes at an address, in 16 bits, wrapping (but see <see cref="SumsSignedBytes"/>).</summary>
    static abstract V AddByteProducts(V sum, V unsigned, void* signed);

    /// <summary>The same with signed bytes in a register.</summary>
    static abstract V AddByteProducts(V sum, V unsigned, V signed);

    /// <summary>Sums of byte products times a scale, in 32 bits. The scale stands in both halves of a lane where sums are of 16 bits, else in the whole.</summary>
    static abstract V WidenSums(V sums, V scales);

    /// <summary>sum + products of 16-bit numbers and those at an address, in 32 bits.</summary>
    static abstract V AddProducts16(V sum, V a, void* b);

    /// <summary>The same with both in registers.</summary>
    static abstract V AddProducts16(V sum, V a, V b);

    /// <summary>(factor · the f32 at an address) · (f32)n + sum: one product, one fused step.</summary>
    static abstract V AddScaled(V sum, V n, V factor, void* scale);

    /// <summary>factor · the f32 at an address + sum, fused.</summary>
    static abstract V AddProduct(V sum, V factor, void* values);

    /// <summary>Products of unsigned bytes and the four signed bytes at x (even) and x + 4 (odd), the same in every lane; in 16 bits.</summary>
    static abstract V PairProducts(V even, V odd, void* x);

    /// <summary>sum + products of unsigned bytes and the four signed bytes at x (even) and x + 4 (odd), the same in every lane; in 16 bits, wrapping.</summary>
    static abstract V AddPairProducts(V sum, V even, V odd, void* x);

    /// <summary>sum + products of 16-bit numbers and the two at x (even) and x + 4 bytes (odd), the same in every lane; in 32 bits.</summary>
    static abstract V AddWidePairProducts(V sum, V even, V odd, void* x);

    /// <summary>sum − products of 16-bit numbers and the two at an address, the same in every lane; in 32 bits.</summary>
    static abstract V SubtractProducts16(V sum, V a, void* x);

    /// <summary>(w · the one f32 at an address) · (f32)n + sum: one product, one fused step.</summary>
    static abstract V AddScaledBy(V sum, V n, V w, void* scale);

    /// <summary>(m · the one f32 at an address) · (f32)(products of minimums and the two 16-bit numbers at sums) + sum.</summary>
    static abstract V AddMinimum(V sum, V minimums, void* sums, V m, void* scale);

    /// <summary>
    /// Two fused steps, one after the other: sum + (code − bias) · x[k]. Of each lane's four low nibbles, then its four high ones, these are the ones
    /// from 2 · <paramref name="part"/> on. A code becomes an exact f32 on the way, by whatever is cheapest.
    /// </summary>
    static abstract V AddNibbles(V sum, V codes, int part, int bias, float* x);

    /// <summary>Two fused steps with the bytes from 2 · part of each lane on: unsigned codes of up to seven bits less a bias.</summary>
    static abstract V AddBytes(V sum, V codes, int part, int bias, float* x);

    /// <summary>Two fused steps with the bytes from 2 · part of each lane on: signed codes.</summary>
    static abstract V AddSignedBytes(V sum, V codes, int part, float* x);

    /// <summary>Signed bytes minus signed bytes.</summary>
    static abstract V Subtract8(V a, V b);

    /// <summary>One binary16 per lane, widened exactly to f32. Infinities and NaN are not meant.</summary>
    static abstract V LoadHalves(void* source);

    /// <summary>One bfloat16 per lane, as f32.</summary>
    static abstract V LoadBrains(void* source);

    /// <summary>One signed byte per lane, as a 16-bit number in both halves of the lane.</summary>
    static abstract V LoadBytePairs(void* source);

    /// <summary>Two signed bytes per lane, as 16-bit numbers.</summary>
    static abstract V LoadTwoBytes(void* source);

    /// <summary>The lower (upper) 16 bits of each lane in both halves.</summary>
    static abstract V LowTwice(V a);

    static abstract V HighTwice(V a);
}
