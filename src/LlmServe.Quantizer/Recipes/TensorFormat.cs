using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Quantizer.Recipes;

/// <summary>A tensor and the format that it gets.</summary>
/// <param name="Tensor">The tensor as it is.</param>
/// <param name="Format">What it becomes.</param>
public sealed record TensorFormat(GgufTensor Tensor, BlockFormat Format)
{
    /// <summary>Whether it is encoded anew.</summary>
    public bool Changes => Tensor.Format != Format;

    /// <summary>Bytes that it will take.</summary>
    public long Bytes => Format.BytesOf(Tensor.ElementCount);
}
