using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>The codes that a format can store, as real numbers.</summary>
internal interface ILevels
{
    /// <summary>The nearest code of each lane.</summary>
    static abstract V Nearest(V x);
}
