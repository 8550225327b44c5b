using System.Runtime.CompilerServices;
using LlmServe.Extensions.AI;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.Services;
using Microsoft.SemanticKernel.TextGeneration;
using TextContent = Microsoft.SemanticKernel.TextContent;

namespace LlmServe.SemanticKernel;

/// <summary>Continues texts as they are, without a chat template, for Semantic Kernel.</summary>
public sealed class LlmServeTextGenerationService : ITextGenerationService
{
    private readonly LlmServeChatClient _client;

    /// <summary>The texts of a model.</summary>
    /// <param name="client">The model, which stays its owner's.</param>
    public LlmServeTextGenerationService(LlmServeChatClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        var metadata = (ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!;
        Attributes = new Dictionary<string, object?>
        {
            [AIServiceExtensions.ModelIdKey] = metadata.DefaultModelId,
            [AIServiceExtensions.EndpointKey] = metadata.ProviderUri?.ToString(),
        }.Where(attribute => attribute.Value is not null).ToDictionary();
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, object?> Attributes { get; }

    /// <inheritdoc/>
    /// <exception cref="LlmServeException">The answer failed.</exception>
    public async Task<IReadOnlyList<TextContent>> GetTextContentsAsync(
        string prompt, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default)
    {
        var answer = await _client.GetTextAsync(prompt, OptionsOf(executionSettings, kernel), cancellationToken).ConfigureAwait(false);
        return [new TextContent(answer.Text, answer.ModelId, answer, metadata: MetadataOf(answer.AdditionalProperties, answer.FinishReason, answer.Usage))];
    }

    /// <inheritdoc/>
    /// <exception cref="LlmServeException">The answer failed.</exception>
    public async IAsyncEnumerable<StreamingTextContent> GetStreamingTextContentsAsync(
        string prompt, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var update in _client.GetStreamingTextAsync(prompt, OptionsOf(executionSettings, kernel), cancellationToken).ConfigureAwait(false))
        {
            var usage = update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details;
            yield return new StreamingTextContent(
                update.Text, modelId: update.ModelId, innerContent: update.RawRepresentation, metadata: MetadataOf(update.AdditionalProperties, update.FinishReason, usage));
        }
    }

    private static ChatOptions? OptionsOf(PromptExecutionSettings? settings, Kernel? kernel) =>
        settings is null ? null : LlmServePromptExecutionSettings.FromExecutionSettings(settings).ToChatOptions(kernel);

    private static Dictionary<string, object?> MetadataOf(AdditionalPropertiesDictionary? properties, ChatFinishReason? reason, UsageDetails? usage)
    {
        var metadata = new Dictionary<string, object?>(properties ?? []);
        if (reason is { } finish)
        {
            metadata["FinishReason"] = finish.Value;
        }

        if (usage is not null)
        {
            metadata["Usage"] = usage;
        }

        return metadata;
    }
}
