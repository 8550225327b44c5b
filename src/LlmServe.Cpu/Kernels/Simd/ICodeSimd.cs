namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>The part of <see cref="ISimd{V}"/> with which codes are taken apart.</summary>
internal unsafe interface ICodeSimd<V> where V : unmanaged
{
    /// <summary>Bytes of a vector, any alignment.</summary>
    static abstract V Load(void* source);

    /// <summary>The same integer in every lane.</summary>
    static abstract V Set(int value);

    static abstract V And(V a, V b);

    static abstract V Or(V a, V b);

    /// <summary>16-bit shifts.</summary>
    static abstract V ShiftLeft16(V a, byte count);

    static abstract V ShiftRight16(V a, byte count);

    /// <summary>Per byte, the entry of a table of 16 (repeated in every 128 bits) at the low four bits.</summary>
    static abstract V Lookup(V table, V index);

    /// <summary>The 16 bytes repeated in every 128 bits.</summary>
    static abstract V Repeat128(void* source);
}
