using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Quantizer.Recipes;

namespace LlmServe.Quantizer.Tests;

/// <summary>Formats by recipe, role and place, as GGML's quantizer chooses them.</summary>
public sealed class FormatChoiceTests
{
    [Theory]
    [InlineData("Q4_K_M", "attn_v", "Q6_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K Q6_K")]
    [InlineData("Q4_K_M", "ffn_down", "Q6_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K Q6_K")]
    [InlineData("Q4_K_M", "ffn_up", "Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K")]
    [InlineData("Q4_K_S", "attn_v", "Q5_K Q5_K Q5_K Q5_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K")]
    [InlineData("Q3_K_M", "attn_v", "Q5_K Q5_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K")]
    [InlineData("Q3_K_M", "ffn_down", "Q5_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K")]
    [InlineData("IQ3_XS", "ffn_gate", "IQ3_S IQ3_S IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_XXS IQ3_S IQ3_S")]
    [InlineData("IQ2_M", "ffn_down", "IQ3_S IQ3_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S IQ2_S")]
    public void Of_Layers_DependOnTheirPlace(string recipe, string name, string formats)
    {
        using var model = new SmallModel();
        var choice = Choose(model, recipe);
        Assert.Equal(formats, string.Join(' ', Enumerable.Range(0, 16).Select(layer => choice[$"blk.{layer}.{name}.weight"])));
    }

    [Theory]
    [InlineData("Q4_0", "Q4_0", "Q6_K", "Q4_0", "Q4_0", "Q4_0", "Q4_0")]
    [InlineData("Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0")]
    [InlineData("Q2_K", "Q2_K", "Q6_K", "Q3_K", "Q2_K", "Q3_K", "Q3_K")]
    [InlineData("Q3_K_L", "Q3_K", "Q6_K", "Q5_K", "Q3_K", "Q5_K", "Q5_K")]
    [InlineData("IQ3_XXS", "IQ3_S", "Q5_K", "IQ3_S", "IQ2_S", "IQ3_S", "Q3_K")]
    [InlineData("IQ3_M", "IQ3_S", "Q6_K", "Q4_K", "IQ3_S", "Q4_K", "IQ3_S")]
    [InlineData("IQ2_XXS", "Q2_K", "Q5_K", "Q2_K", "IQ2_XXS", "IQ2_XXS", "IQ2_XXS")]
    [InlineData("IQ1_M", "Q2_K", "Q5_K", "Q2_K", "IQ1_M", "IQ2_XXS", "IQ1_M")]
    [InlineData("TQ2_0", "Q4_K", "Q6_K", "TQ2_0", "TQ2_0", "TQ2_0", "TQ2_0")]
    [InlineData("F16", "F16", "F16", "F16", "F16", "F16", "F16")]
    public void Of_Roles_HaveTheirFormats(string recipe, string embedding, string output, string value, string key, string attentionOutput, string down)
    {
        using var model = new SmallModel();
        var choice = Choose(model, recipe);
        Assert.Equal(
            [embedding, output, value, key, attentionOutput, down],
            ((string[])["token_embd.weight", "output.weight", "blk.9.attn_v.weight", "blk.9.attn_k.weight", "blk.9.attn_output.weight", "blk.9.ffn_down.weight"])
                .Select(name => choice[name]));
        Assert.Equal("F32", choice["blk.0.attn_norm.weight"]);
    }

    [Fact]
    public void Of_ModelsThatShareKeys_HaveBetterValues()
    {
        using var model = new SmallModel(heads: 16, keyHeads: 4);
        Assert.Equal("Q4_K", Choose(model, "Q2_K")["blk.3.attn_v.weight"]);
        Assert.Equal("Q5_K", Choose(model, "IQ4_XS")["blk.3.attn_v.weight"]);
        Assert.Equal("Q4_K", Choose(model, "IQ2_S")["blk.3.attn_v.weight"]);
    }

    [Fact]
    public void Of_TiedEmbedding_IsAnOutput()
    {
        using var model = new SmallModel(hasOutput: false);
        Assert.Equal("Q6_K", Choose(model, "Q4_0")["token_embd.weight"]);
        Assert.Equal("Q5_K", Choose(model, "IQ1_S")["token_embd.weight"]);
    }

    [Fact]
    public void Of_SeventyBillion_HaveBetterValues()
    {
        using var model = new SmallModel(layers: 80, heads: 64, keyHeads: 8);
        Assert.Equal("Q5_K", Choose(model, "Q4_K_M")["blk.20.attn_v.weight"]);
        Assert.Equal("Q5_K", Choose(model, "Q2_K")["blk.20.attn_v.weight"]);
    }

    [Fact]
    public void Of_EightExperts_HaveBetterAttention()
    {
        using var model = new SmallModel(experts: 8);
        var choice = Choose(model, "Q4_0");
        Assert.Equal(("Q8_0", "Q8_0", "Q4_0"), (choice["blk.3.attn_v.weight"], choice["blk.3.attn_k.weight"], choice["blk.3.attn_output.weight"]));
        choice = Choose(model, "Q4_K_M");
        Assert.Equal(("Q5_K", "Q6_K", "Q4_K"), (choice["blk.3.attn_output.weight"], choice["blk.4.ffn_down_exps.weight"], choice["blk.3.ffn_down_exps.weight"]));
        choice = Choose(model, "IQ2_XS");
        Assert.Equal(("Q4_K", "Q5_K"), (choice["blk.3.attn_k.weight"], choice["blk.3.attn_output.weight"]));
    }

    [Fact]
    public void Of_ExpertsInMxfp4_LeaveTheRestInEightBits()
    {
        using var model = new SmallModel(experts: 32);
        var choice = Choose(model, "MXFP4_MOE");
        Assert.Equal(("MXFP4", "Q8_0", "Q8_0"), (choice["blk.3.ffn_up_exps.weight"], choice["blk.3.attn_q.weight"], choice["output.weight"]));
    }

    [Theory]
    [InlineData("Q4_K_M", 96, "Q5_0 Q8_0")]
    [InlineData("IQ2_XXS", 96, "IQ4_NL Q8_0")]
    [InlineData("Q2_K", 96, "Q4_0 Q8_0")]
    [InlineData("Q4_0", 48, "F16 F16")]
    public void Of_RowsThatAreNoWholeBlocks_BecomeSomethingElse(string recipe, int columns, string formats)
    {
        using var model = new SmallModel(columns: columns);
        var choice = Choose(model, recipe);
        Assert.Equal(formats, $"{choice["blk.3.attn_q.weight"]} {choice["output.weight"]}");
    }

    [Fact]
    public void Of_RowsThatAreNoWholeBlocksOfQ1_0_AreRefused()
    {
        using var model = new SmallModel(columns: 96);
        Assert.Contains("attn_q.weight", Assert.Throws<QuantizerException>(() => Choose(model, "Q1_0", new FormatOptions { IsPure = true, Rules = [TensorRule.Parse("token_embd=Q8_0")!, TensorRule.Parse("output=Q8_0")!, TensorRule.Parse("blk.*.attn_k=Q8_0")!, TensorRule.Parse("blk.*.attn_output=Q8_0")!] })).Message);
    }

    [Fact]
    public void Of_Importance_NeedsLess()
    {
        using var model = new SmallModel();
        var options = new FormatOptions { HasImportance = true };
        Assert.Equal("Q4_1", Choose(model, "Q4_0", options)["blk.1.ffn_down.weight"]);
        Assert.Equal("Q4_0", Choose(model, "Q4_0", options)["blk.2.ffn_down.weight"]);
        Assert.Equal("IQ4_XS", Choose(model, "IQ4_XS", options)["blk.0.ffn_down.weight"]);
        Assert.Equal("Q5_K", Choose(model, "IQ4_XS")["blk.0.ffn_down.weight"]);
    }

    [Fact]
    public void Of_Rules_GoBeforeTheRecipe()
    {
        using var model = new SmallModel();
        var options = new FormatOptions { Rules = [TensorRule.Parse("blk.*.ffn_down=Q6_K")!, TensorRule.Parse("blk.3.*=q8_0")!] };
        var choice = Choose(model, "Q4_0", options);
        Assert.Equal(("Q6_K", "Q8_0", "Q4_0", "F32"), (choice["blk.2.ffn_down.weight"], choice["blk.3.ffn_down.weight"], choice["blk.2.ffn_up.weight"], choice["blk.3.attn_norm.weight"]));
        Assert.All(Choose(model, "Q4_K_M", new FormatOptions { IsPure = true }).Where(pair => !pair.Key.Contains("norm")), pair => Assert.Equal("Q4_K", pair.Value));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("=Q4_0")]
    [InlineData("x=Q9")]
    public void Parse_NoRule_IsNull(string text) => Assert.Null(TensorRule.Parse(text));

    [Fact]
    public void Find_Names_AreThoseOfTheField()
    {
        Assert.Equal("Q4_K_M", Recipe.Find("q4_k")!.Name);
        Assert.Null(Recipe.Find("Q9"));
        Assert.Equal(GgmlType.IQ2_XS, Recipe.Find("IQ2_S")!.Base);
        Assert.All(Recipe.All, recipe => Assert.True(BlockFormat.Get(recipe.Base).CanEncode));
    }

    private static Dictionary<string, string> Choose(SmallModel model, string recipe, FormatOptions? options = null) =>
        FormatChoice.Of(model.File, Recipe.Find(recipe)!, options ?? new FormatOptions()).ToDictionary(choice => choice.Tensor.Name, choice => choice.Format.Name);
}
