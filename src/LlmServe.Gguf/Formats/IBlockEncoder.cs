namespace LlmServe.Gguf.Formats;

/// <summary>
/// A block format that f32 weights can be turned into. The choice of scales is the plain one (largest magnitude, or smallest and largest value);
/// it makes valid files for tests and benchmarks, not the best possible quality.
/// </summary>
internal unsafe interface IBlockEncoder
{
    /// <summary>Encodes one block of finite weights.</summary>
    /// <param name="weights">[BlockSize]</param>
    /// <param name="block">BlockBytes bytes, all of which are written.</param>
    static abstract void Encode(float* weights, byte* block);
}
