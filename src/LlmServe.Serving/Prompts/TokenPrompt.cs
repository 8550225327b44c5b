namespace LlmServe.Serving;

/// <summary>Token ids as they are.</summary>
/// <param name="ids">The ids; the engine checks them.</param>
public sealed class TokenPrompt(IReadOnlyList<int> ids) : PromptSource
{
    /// <summary>The ids.</summary>
    public IReadOnlyList<int> Ids => ids;

    /// <inheritdoc/>
    internal override IReadOnlyList<int> Ready => ids;

    /// <inheritdoc/>
    internal override IReadOnlyList<int> Read(ServedModel model, ServingOptions options, int most, CancellationToken cancellation) => ids;
}
