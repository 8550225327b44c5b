using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Templates;

/// <summary>Leaves the last message open, so that the model continues it.</summary>
internal static class FinalMessage
{
    /// <summary>The rendered text up to the end of the last message's words.</summary>
    /// <exception cref="ConversationException">The template changes the words, so that their end cannot be found.</exception>
    public static RenderedText Open(RenderedText rendered, ConversationRequest request)
    {
        string content = request.Messages[^1].Content!.Trim();
        int at = rendered.Text.LastIndexOf(content, StringComparison.Ordinal);
        if (at < 0 || content.Length == 0)
        {
            throw new ConversationException(
                $"{request.MessagesPath}[{request.Messages.Count - 1}]", "cannot be continued: the model's chat template does not render it as it is");
        }

        int end = at + content.Length;
        return new(rendered.Text[..end], [.. rendered.Inputs.Where(span => span.Start < end).Select(span => new TextSpan(span.Start, Math.Min(span.End, end) - span.Start))]);
    }
}
