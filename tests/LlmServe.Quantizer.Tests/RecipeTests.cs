using LlmServe.Gguf;
using LlmServe.Quantizer.Recipes;
using LlmServe.Testing;

namespace LlmServe.Quantizer.Tests;

public sealed class RecipeTests
{
    /// <summary>Whole files have the sizes that GGML's quantizer gives them (the model's README).</summary>
    [SkippableTheory]
    [InlineData("Q8_0", 5647488)]
    [InlineData("Q6_K", 4377728)]
    [InlineData("Q5_K_M", 3811968)]
    [InlineData("Q5_0", 3751040)]
    [InlineData("Q4_K_M", 3279488)]
    [InlineData("Q4_K_S", 3177600)]
    [InlineData("Q4_1", 3456128)]
    [InlineData("Q4_0", 3161216)]
    [InlineData("IQ4_XS", 3013760)]
    [InlineData("IQ4_NL", 3161216)]
    [InlineData("Q3_K_M", 2777728)]
    [InlineData("Q2_K", 2235008)]
    public void Write_TinyWikiLlama_HasTheFieldsSize(string recipe, long bytes)
    {
        using var file = GgufFile.Open(TestData.Shared("models", "tiny-wiki-llama", "tiny-wiki-llama.gguf"));
        var plan = QuantizationPlan.Of(file, Recipe.Find(recipe)!, new FormatOptions());
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");
        try
        {
            QuantizedFile.Write(file, plan, new RowEncoder(file, Environment.ProcessorCount), path, overwrite: false, null, CancellationToken.None);
            Assert.InRange(new FileInfo(path).Length, 1, bytes);
            Assert.InRange(new FileInfo(path).Length, bytes - 64, bytes);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
