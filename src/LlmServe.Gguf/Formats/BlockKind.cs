namespace LlmServe.Gguf.Formats;

/// <summary>Which terms a quantized format's dot product has (docs/numerics.md, "Quantized matrix times row").</summary>
public enum BlockKind
{
    /// <summary>Value = w · q (Q8_0, Q4_0, Q5_0, IQ4_NL, MXFP4, TQ1_0, TQ2_0, Q1_0, Q2_0).</summary>
    Symmetric,

    /// <summary>Value = w · q + m (Q4_1, Q5_1).</summary>
    WithMinimum,

    /// <summary>Value = w · s · q with an integer sub-block scale s (Q3_K, Q6_K, IQ4_XS, IQ1 … IQ3).</summary>
    Super,

    /// <summary>Value = w · s · q − wm · n with integer sub-block scale s and minimum n (Q2_K, Q4_K, Q5_K).</summary>
    SuperWithMinimum,

    /// <summary>Value = w · q with a w for every 16 weights (NVFP4): two products a piece.</summary>
    Paired,
}
