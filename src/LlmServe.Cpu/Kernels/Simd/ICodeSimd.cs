namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>The part of <see cref="ISimd{V}"/> with which codes are taken apart.</summary>
internal unsafe interface ICodeSimd<V> where V : unmanaged
{
    /// <summary>Bytes of a vector, any alignment.</summary>
    static abstract V Load(void* source);

    /// <summary>The same integer in every lane.</summary>
    static abstract V Set(int value);

    static abstract V And(V a, V b);

    /// <summary>The bits of a mask out of bytes that are shifted left first, or right by a negative count; bits that a shift brings over must not be in the mask.</summary>
    static abstract V Field(V bytes, int left, V mask);

    /// <summary>The same joined to other bits of the codes.</summary>
    static abstract V WithField(V codes, V bytes, int left, V mask);

    /// <summary>Per byte, the entry of a table of 16 (repeated in every 128 bits) at the low four bits.</summary>
    static abstract V Lookup(V table, V index);

    /// <summary>The 16 bytes repeated in every 128 bits.</summary>
    static abstract V Repeat128(void* source);
}
