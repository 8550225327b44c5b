using LlmServe.Gguf;
using LlmServe.Quantizer.Recipes;

namespace LlmServe.Quantizer;

/// <summary>What a quantized file will be, before anything is encoded.</summary>
/// <param name="Name">The recipe's name, or what was asked for.</param>
/// <param name="FileType">The number of the recipe in files.</param>
/// <param name="Tensors">Every tensor with its format, in the order of the file.</param>
public sealed record QuantizationPlan(string Name, int FileType, IReadOnlyList<TensorFormat> Tensors)
{
    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => Tensors.Sum(tensor => tensor.Bytes);

    /// <summary>Numbers in all tensors; a matrix that is embedding and output counts once.</summary>
    public long Weights => Tensors.Sum(tensor => tensor.Tensor.ElementCount);

    /// <summary>Bits of a weight.</summary>
    public double BitsPerWeight => 8.0 * Bytes / Weights;

    /// <summary>The plan of a recipe.</summary>
    /// <exception cref="QuantizerException">A tensor can have no format that the recipe allows.</exception>
    public static QuantizationPlan Of(GgufFile file, Recipe recipe, FormatOptions options) =>
        new(recipe.Name, recipe.Number, FormatChoice.Of(file, recipe, options));
}
