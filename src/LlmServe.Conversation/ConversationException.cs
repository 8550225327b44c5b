namespace LlmServe.Conversation;

/// <summary>A request that cannot be honoured; the fault is the caller's.</summary>
/// <param name="path">The field at fault, such as <c>messages[2].tool_calls[0].function.arguments</c>.</param>
/// <param name="message">What is wrong with it: what was found and what is allowed.</param>
/// <param name="inner">What led to it.</param>
public sealed class ConversationException(string path, string message, Exception? inner = null) : Exception($"{path}: {message}", inner)
{
    /// <summary>The field at fault.</summary>
    public string Path { get; } = path;

    /// <summary>The message without the path.</summary>
    public string Problem { get; } = message;

    /// <summary>Where the prompt is too long: so many tokens it has at least, and so many are of use. Null: something else is wrong.</summary>
    public (long Counted, int Most)? TooLong { get; init; }
}
