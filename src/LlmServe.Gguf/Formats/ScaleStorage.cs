namespace LlmServe.Gguf.Formats;

/// <summary>Sixteen bits that hold a format's real scales exactly.</summary>
public enum ScaleStorage
{
    /// <summary>binary16.</summary>
    Half,

    /// <summary>bfloat16, the upper half of a binary32: for scales that are powers of two, or have few bits.</summary>
    BFloat16,
}
