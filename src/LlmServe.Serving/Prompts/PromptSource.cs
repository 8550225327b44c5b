namespace LlmServe.Serving;

/// <summary>What a generation continues, before it is token ids.</summary>
public abstract class PromptSource
{
    /// <summary>Path of the request's field that it came from, for messages.</summary>
    public required string Field { get; init; }

    /// <summary>The prompt, where it needs no work: token ids that the client sent.</summary>
    internal virtual IReadOnlyList<int>? Ready => null;

    /// <summary>Makes the token ids. [text worker]</summary>
    /// <param name="model">For which model.</param>
    /// <param name="options">What the server takes.</param>
    /// <param name="most">Most tokens that are of use; a text that is surely longer is refused before all of it is tokenized.</param>
    /// <param name="cancellation">Ends the work where nobody needs it any more.</param>
    /// <exception cref="RequestException">It cannot be a prompt.</exception>
    /// <exception cref="LlmServe.Text.Templates.TemplateException">The chat template refuses the conversation or fails.</exception>
    internal abstract IReadOnlyList<int> Read(ServedModel model, ServingOptions options, int most, CancellationToken cancellation);
}
