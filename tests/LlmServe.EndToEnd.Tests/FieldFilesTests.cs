using System.Text.Json;
using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.EndToEnd.Tests;

/// <summary>Odd model files of kinds that people report, and what is right for each: the table of <c>data/field/README.md</c>.</summary>
public class FieldFilesTests
{
    [SkippableTheory]
    [InlineData("rope_lin_oldkey", "rope_lin_typed")]
    [InlineData("rope_lin_none", "plain")]
    [InlineData("kv_uniform_array", "plain")]
    [InlineData("ctx_2_30_with_context", "plain")]
    public void Logits_OddFile_AreThoseOfItsSoundTwin(string name, string twin) => Assert.Equal(Logits(twin).Values, Logits(name).Values);

    [SkippableTheory]
    [InlineData("rope_lin_typed", "plain")]
    [InlineData("rope_lin_typed", "rope_lin_none")]
    [InlineData("attn_bias", "plain")]
    [InlineData("mlp_bias", "plain")]
    public void Logits_FileThatAsksForSomethingElse_Differ(string name, string other) => Assert.NotEqual(Logits(other).Values, Logits(name).Values);

    [SkippableTheory]
    [InlineData("x_output_bias", "output.bias")]
    [InlineData("x_q_norm", "blk.0.attn_q_norm.weight")]
    [InlineData("x_attn_norm_bias", "blk.0.attn_norm.bias")]
    [InlineData("x_sinks", "blk.0.attn_sinks.weight")]
    public void Load_TensorThatTheFamilyDoesNotRead_IsRefusedByName(string name, string tensor)
    {
        var error = Assert.Throws<GgufException>(() => Logits(name));
        Assert.Contains($"'{tensor}'", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{name}.gguf", error.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("kv_uniform_array", "llama.attention.head_count_kv")]
    [InlineData("ctx_2_30_with_context", "llama.context_length")]
    public void Load_OddFileThatRuns_WarnsOfWhatIsOdd(string name, string word) =>
        Assert.Contains(word, Assert.Single(Logits(name).Warnings), StringComparison.Ordinal);

    [SkippableTheory]
    [InlineData("plain")]
    [InlineData("rope_lin_oldkey")]
    public void Load_SoundFile_WarnsOfNothing(string name) => Assert.Empty(Logits(name).Warnings);

    [SkippableTheory]
    [InlineData("eos_past_vocab", "tokenizer.ggml.eos_token_id is 384")]
    [InlineData("dup_tokens_unused", "text becomes the token with the lower id")]
    public void CreateTokenizer_OddVocabulary_WarnsOfWhatIsOdd(string name, string words)
    {
        using var file = GgufFile.Open(TestData.Shared("data", "field", $"{name}.gguf"));
        var tokenizer = TokenizerFactory.Create(file.Metadata);
        Assert.Contains(words, Assert.Single(tokenizer.Warnings), StringComparison.Ordinal);
        Assert.Null(name == "eos_past_vocab" ? tokenizer.EosId : null);
        Assert.Equal("a text", tokenizer.Decode(tokenizer.Encode("a text")));
        Assert.Equal(Logits("plain").Values.Length, Logits(name).Values.Length);
    }

    [SkippableFact]
    public void Render_FileWithATemplateForTools_UsesItWithToolsAlone()
    {
        using var file = GgufFile.Open(TestData.Shared("data", "field", "tool_use_template.gguf"));
        using var request = JsonDocument.Parse(File.ReadAllText(TestData.Shared("data", "field", "tools_request.jsonl")));
        var templates = ModelTemplates.Read(file.Metadata);
        string Render(bool withTools) => ChatTemplate.Parse(templates.Source(templates.Choose(withTools)!)!).Render(new ChatTemplateInput
        {
            Messages = [.. request.RootElement.GetProperty("messages").EnumerateArray().Select(TemplateMessage.FromJson)],
            Tools = withTools ? request.RootElement.GetProperty("tools") : null,
            Now = DateTimeOffset.UnixEpoch,
        }).Text;

        Assert.Equal(["default", "tool_use"], templates.Names);
        Assert.Equal("hi", Render(withTools: false));
        Assert.StartsWith("TOOLS:[{\"type\": \"function\"", Render(withTools: true), StringComparison.Ordinal);
    }

    private static (float[] Values, IReadOnlyList<string> Warnings) Logits(string name)
    {
        int[] ids = JsonSerializer.Deserialize<int[]>(File.ReadAllText(TestData.Shared("data", "field", "ids.json")))!;
        using var file = GgufFile.Open(TestData.Shared("data", "field", $"{name}.gguf"));
        using var executor = CpuBackend.Load(file, new CpuOptions { Lanes = 1, MaxRowsPerTick = 16, MaxSequences = 1, ContextLength = 128 });
        executor.Rows.BlockTable(0)[0] = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            executor.Rows.Add(0, i, ids[i], select: true);
        }

        executor.RunTick();
        return ([.. Enumerable.Range(0, ids.Length).SelectMany(i => executor.Logits(i).ToArray())], executor.Model.Warnings);
    }
}
