using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmServe.SemanticKernel.Tests;

/// <summary>Settings of prompts, and what Semantic Kernel makes of them.</summary>
public sealed class ExecutionSettingsTests
{
    [Fact]
    public void ToChatOptions_OfAllSettings_HasThem()
    {
        var options = Full().ToChatOptions(new Kernel())!;

        Assert.Equal((0.5f, 0.9f, 40, 7L), (options.Temperature, options.TopP, options.TopK, options.Seed));
        Assert.Equal((100, 0.1f, 0.2f), (options.MaxOutputTokens, options.FrequencyPenalty, options.PresencePenalty));
        Assert.Equal(["END"], options.StopSequences!);
        Assert.Equal("m", options.ModelId);
        Assert.Equal(ReasoningEffort.High, options.Reasoning!.Effort);
        string[] others = ["min_p", "repetition_penalty", "repetition_window", "logprobs", "top_logprobs", "logit_bias", "grammar", "chat_template_kwargs"];
        Assert.All(others, key => Assert.Contains(key, options.AdditionalProperties!.Keys));
    }

    [Fact]
    public void ToChatOptions_OfNoSettings_SaysNothing()
    {
        var options = new LlmServePromptExecutionSettings().ToChatOptions(new Kernel());

        Assert.True(options is null or { Temperature: null, MaxOutputTokens: null, ResponseFormat: null, Reasoning: null, AdditionalProperties: null or { Count: 0 } });
    }

    [Fact]
    public void ToChatOptions_OfResponseFormats_KnowsAllKinds()
    {
        ChatResponseFormat? Of(object format) => new LlmServePromptExecutionSettings { ResponseFormat = format }.ToChatOptions(new Kernel())!.ResponseFormat;

        Assert.IsType<ChatResponseFormatText>(Of("text"));
        Assert.Null(Assert.IsType<ChatResponseFormatJson>(Of("json_object")).Schema);
        Assert.Equal("object", Assert.IsType<ChatResponseFormatJson>(Of(JsonElement.Parse("""{"type": "object"}"""))).Schema!.Value.GetProperty("type").GetString());
        Assert.True(Assert.IsType<ChatResponseFormatJson>(Of(typeof(Colour))).Schema!.Value.GetProperty("properties").TryGetProperty("name", out _));
        Assert.Same(ChatResponseFormat.Json, Of(ChatResponseFormat.Json));
        Assert.Throws<ArgumentException>(() => Of(3));
    }

    [Fact]
    public void ToChatOptions_OfReasoningEffortNone_TurnsReasoningOff() => Assert.Equal(
        ReasoningEffort.None, new LlmServePromptExecutionSettings { ReasoningEffort = "none" }.ToChatOptions(new Kernel())!.Reasoning!.Effort);

    [Fact]
    public void Clone_OfAllSettings_IsEqualAndItsOwn()
    {
        var settings = Full();
        var clone = (LlmServePromptExecutionSettings)settings.Clone();

        Assert.Equal(JsonSerializer.Serialize(settings), JsonSerializer.Serialize(clone));
        Assert.Same(settings.FunctionChoiceBehavior, clone.FunctionChoiceBehavior);
        clone.StopSequences!.Add("more");
        clone.LogitBias![9] = 1;
        Assert.Single(settings.StopSequences!);
        Assert.Single(settings.LogitBias!);
        // Every property that has a name in JSON is set by Full, so that none can be forgotten in Clone.
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(clone));
        var names = typeof(LlmServePromptExecutionSettings).GetProperties().Where(property => property.DeclaringType == typeof(LlmServePromptExecutionSettings));
        Assert.Equal(names.Count(), names.Count(property => property.GetValue(clone) is not null));
    }

    [Fact]
    public void Freeze_Settings_RefusesChanges()
    {
        var settings = Full();
        settings.Freeze();
        settings.Freeze();

        Assert.True(settings.IsFrozen);
        Assert.Throws<InvalidOperationException>(() => settings.Temperature = 1);
        Assert.Throws<InvalidOperationException>(() => settings.ResponseFormat = "text");
        Assert.Throws<NotSupportedException>(() => settings.StopSequences!.Add("x"));
        Assert.False(settings.Clone().IsFrozen);
    }

    [Fact]
    public void FromExecutionSettings_OfAnyKind_ReadsThem()
    {
        var own = Full();
        var choice = FunctionChoiceBehavior.Auto();
        var read = LlmServePromptExecutionSettings.FromExecutionSettings(new PromptExecutionSettings
        {
            ServiceId = "s", ModelId = "m", FunctionChoiceBehavior = choice,
            ExtensionData = new Dictionary<string, object> { ["temperature"] = 0.25, ["max_tokens"] = "12", ["stop_sequences"] = new[] { "a" }, ["other"] = 1 },
        });

        Assert.Same(own, LlmServePromptExecutionSettings.FromExecutionSettings(own));
        Assert.Null(LlmServePromptExecutionSettings.FromExecutionSettings(null).Temperature);
        Assert.Equal(("s", "m", 0.25f, 12), (read.ServiceId, read.ModelId, read.Temperature, read.MaxTokens));
        Assert.Equal(["a"], read.StopSequences!);
        Assert.Same(choice, read.FunctionChoiceBehavior);
        Assert.Contains("other", read.ExtensionData!.Keys);
        var wrong = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["max_tokens"] = "many" } };
        Assert.Contains("max_tokens", Assert.Throws<ArgumentException>(() => LlmServePromptExecutionSettings.FromExecutionSettings(wrong)).Message, StringComparison.Ordinal);
    }

    private static LlmServePromptExecutionSettings Full() => new()
    {
        ServiceId = "s",
        ModelId = "m",
        FunctionChoiceBehavior = FunctionChoiceBehavior.None(),
        Temperature = 0.5f,
        TopP = 0.9f,
        TopK = 40,
        MinP = 0.05f,
        Seed = 7,
        MaxTokens = 100,
        FrequencyPenalty = 0.1f,
        PresencePenalty = 0.2f,
        RepetitionPenalty = 1.1f,
        RepetitionWindow = 64,
        StopSequences = ["END"],
        ResponseFormat = "text",
        ReasoningEffort = "high",
        ChatSystemPrompt = "S",
        Logprobs = true,
        TopLogprobs = 3,
        LogitBias = new Dictionary<int, float> { [5] = -1 },
        Grammar = "root ::= \"a\"",
        Regex = "a",
        Choice = ["a"],
        ChatTemplateVariables = new Dictionary<string, object?> { ["enable_thinking"] = false },
    };

    private sealed record Colour(string Name);
}
