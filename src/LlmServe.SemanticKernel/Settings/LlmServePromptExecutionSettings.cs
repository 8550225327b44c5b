using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmServe.SemanticKernel;

/// <summary>
/// How a model answers a prompt of Semantic Kernel. What is left out is sampled as the model's file recommends; answers go on to the end of the context
/// unless <see cref="MaxTokens"/> is set.
/// </summary>
[JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
public sealed class LlmServePromptExecutionSettings : PromptExecutionSettings
{
    /// <summary>0 or more; 0 always takes the likeliest token.</summary>
    [JsonPropertyName("temperature"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? Temperature { get; set => field = Unfrozen(value); }

    /// <summary>Above 0, at most 1: the share of probability that the tokens to choose from have.</summary>
    [JsonPropertyName("top_p"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? TopP { get; set => field = Unfrozen(value); }

    /// <summary>How many of the likeliest tokens to choose from; 0: all.</summary>
    [JsonPropertyName("top_k"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TopK { get; set => field = Unfrozen(value); }

    /// <summary>0 … 1: how likely a token must be, relative to the likeliest.</summary>
    [JsonPropertyName("min_p"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? MinP { get; set => field = Unfrozen(value); }

    /// <summary>Key of the random draws: the same request with the same seed gives the same answer.</summary>
    [JsonPropertyName("seed"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seed { get; set => field = Unfrozen(value); }

    /// <summary>Most tokens of the answer, 1 or more.</summary>
    [JsonPropertyName("max_tokens"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxTokens { get; set => field = Unfrozen(value); }

    /// <summary>Subtracted from a token's logit for each time the answer has it.</summary>
    [JsonPropertyName("frequency_penalty"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? FrequencyPenalty { get; set => field = Unfrozen(value); }

    /// <summary>Subtracted from a token's logit once if the answer has it.</summary>
    [JsonPropertyName("presence_penalty"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? PresencePenalty { get; set => field = Unfrozen(value); }

    /// <summary>Above 0: tokens of the prompt and the answer become less likely by this factor.</summary>
    [JsonPropertyName("repetition_penalty"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float? RepetitionPenalty { get; set => field = Unfrozen(value); }

    /// <summary>How many of the last tokens <see cref="RepetitionPenalty"/> looks at.</summary>
    [JsonPropertyName("repetition_window"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RepetitionWindow { get; set => field = Unfrozen(value); }

    /// <summary>Texts that end the answer, at most 16.</summary>
    [JsonPropertyName("stop_sequences"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IList<string>? StopSequences { get; set => field = Unfrozen(value); }

    /// <summary>
    /// What the answer's text must be: <c>"text"</c>, <c>"json_object"</c>, a JSON Schema (a <see cref="JsonElement"/> that is an object), a
    /// <see cref="Type"/> whose schema counts, or a <see cref="ChatResponseFormat"/>.
    /// </summary>
    [JsonPropertyName("response_format"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonConverter(typeof(ResponseFormatConverter))]
    public object? ResponseFormat { get; set => field = Unfrozen(value); }

    /// <summary>How much a model that reasons does so: <c>none</c>, <c>low</c>, <c>medium</c>, <c>high</c> or <c>xhigh</c>.</summary>
    [JsonPropertyName("reasoning_effort"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningEffort { get; set => field = Unfrozen(value); }

    /// <summary>A system message before the conversation, where it has none.</summary>
    [JsonPropertyName("chat_system_prompt"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ChatSystemPrompt { get; set => field = Unfrozen(value); }

    /// <summary>Whether log-probabilities are reported, under <c>logprobs</c> in the answer's metadata.</summary>
    [JsonPropertyName("logprobs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Logprobs { get; set => field = Unfrozen(value); }

    /// <summary>How many of the likeliest tokens are reported beside the chosen one, 0 … 20.</summary>
    [JsonPropertyName("top_logprobs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TopLogprobs { get; set => field = Unfrozen(value); }

    /// <summary>Added to the logits of these tokens, by token id.</summary>
    [JsonPropertyName("logit_bias"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IDictionary<int, float>? LogitBias { get; set => field = Unfrozen(value); }

    /// <summary>A grammar in GBNF that the answer fits.</summary>
    [JsonPropertyName("grammar"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Grammar { get; set => field = Unfrozen(value); }

    /// <summary>A regular expression that the whole answer matches.</summary>
    [JsonPropertyName("regex"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Regex { get; set => field = Unfrozen(value); }

    /// <summary>Texts of which the answer is one.</summary>
    [JsonPropertyName("choice"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IList<string>? Choice { get; set => field = Unfrozen(value); }

    /// <summary>Further variables for the model's chat template.</summary>
    [JsonPropertyName("chat_template_kwargs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IDictionary<string, object?>? ChatTemplateVariables { get; set => field = Unfrozen(value); }

    /// <summary>Settings of any kind as these: as they are, if they are, else by the names in JSON.</summary>
    /// <param name="settings">The settings; null: none are set.</param>
    /// <exception cref="ArgumentException">A setting has a value of the wrong kind.</exception>
    public static LlmServePromptExecutionSettings FromExecutionSettings(PromptExecutionSettings? settings)
    {
        switch (settings)
        {
            case null:
                return new LlmServePromptExecutionSettings();
            case LlmServePromptExecutionSettings own:
                return own;
        }

        try
        {
            var read = JsonSerializer.SerializeToElement(settings, settings.GetType()).Deserialize<LlmServePromptExecutionSettings>()!;
            // Functions that are objects have no form in JSON.
            read.FunctionChoiceBehavior = settings.FunctionChoiceBehavior;
            return read;
        }
        catch (JsonException exception)
        {
            throw new ArgumentException($"The execution settings are no {nameof(LlmServePromptExecutionSettings)}: {exception.Message}", nameof(settings), exception);
        }
    }

    /// <inheritdoc/>
    public override void Freeze()
    {
        if (IsFrozen)
        {
            return;
        }

        StopSequences = StopSequences?.AsReadOnly();
        Choice = Choice?.AsReadOnly();
        LogitBias = LogitBias?.AsReadOnly();
        ChatTemplateVariables = ChatTemplateVariables?.AsReadOnly();
        base.Freeze();
    }

    /// <inheritdoc/>
    public override PromptExecutionSettings Clone() => new LlmServePromptExecutionSettings
    {
        ServiceId = ServiceId,
        ModelId = ModelId,
        FunctionChoiceBehavior = FunctionChoiceBehavior,
        ExtensionData = ExtensionData is null ? null : new Dictionary<string, object>(ExtensionData),
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        Seed = Seed,
        MaxTokens = MaxTokens,
        FrequencyPenalty = FrequencyPenalty,
        PresencePenalty = PresencePenalty,
        RepetitionPenalty = RepetitionPenalty,
        RepetitionWindow = RepetitionWindow,
        StopSequences = StopSequences is null ? null : [.. StopSequences],
        ResponseFormat = ResponseFormat,
        ReasoningEffort = ReasoningEffort,
        ChatSystemPrompt = ChatSystemPrompt,
        Logprobs = Logprobs,
        TopLogprobs = TopLogprobs,
        LogitBias = LogitBias is null ? null : new Dictionary<int, float>(LogitBias),
        Grammar = Grammar,
        Regex = Regex,
        Choice = Choice is null ? null : [.. Choice],
        ChatTemplateVariables = ChatTemplateVariables is null ? null : new Dictionary<string, object?>(ChatTemplateVariables),
    };

    /// <inheritdoc/>
    protected override void PrepareChatOptionsForRequest(ChatOptions options)
    {
        base.PrepareChatOptionsForRequest(options);
        if (ResponseFormatConverter.ToFormat(ResponseFormat) is { } format)
        {
            options.ResponseFormat = format;
        }

        // Semantic Kernel reads the other words, but not this one.
        if (ReasoningEffort == "none")
        {
            options.Reasoning = new ReasoningOptions { Effort = Microsoft.Extensions.AI.ReasoningEffort.None };
        }
    }

    private T Unfrozen<T>(T value)
    {
        ThrowIfFrozen();
        return value;
    }
}
