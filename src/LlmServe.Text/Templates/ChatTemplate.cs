using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>
/// A chat template: the program in the Jinja language that a model's publisher ships to turn a conversation into the prompt's text. It means
/// here what it means to Hugging Face's renderer, to the byte. A parsed template never changes, and many threads may render it at once.
/// </summary>
public sealed class ChatTemplate
{
    private readonly Block _body;
    private readonly TemplateLimits _limits;
    private readonly FrozenSet<string> _names;

    private ChatTemplate(string source, Block body, TemplateLimits limits, FrozenSet<string> names)
    {
        Source = source;
        _body = body;
        _limits = limits;
        _names = names;
    }

    /// <summary>The text that was parsed.</summary>
    public string Source { get; }

    /// <summary>Parses a template; do it once per model.</summary>
    /// <param name="source">The template's text, such as the GGUF key <c>tokenizer.chat_template</c> holds.</param>
    /// <param name="limits">What parsing and each render may cost; null for <see cref="TemplateLimits.Default"/>.</param>
    /// <exception cref="TemplateSyntaxException">The text is no template, or uses something that is not supported.</exception>
    /// <exception cref="TemplateLimitException">The text is too long or nests too deep.</exception>
    public static ChatTemplate Parse(string source, TemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= TemplateLimits.Default;
        if (source.Length > limits.SourceLength)
        {
            throw new TemplateLimitException(
                nameof(TemplateLimits.SourceLength), $"the template has {source.Length} characters, and {limits.SourceLength} are allowed");
        }

        var stream = new LexemeStream(Lexer.Tokenize(source), limits);
        var body = new StatementParser(stream).ParseTemplate();
        return new ChatTemplate(source, body, limits, stream.Names.ToFrozenSet());
    }

    /// <summary>Whether the template reads a variable of this name anywhere, e.g. <c>tools</c> or <c>enable_thinking</c>.</summary>
    public bool Mentions(string variable) => _names.Contains(variable);

    /// <summary>Renders a conversation.</summary>
    /// <param name="input">What is rendered.</param>
    /// <param name="limits">What this render may cost; null for the limits that the template was parsed with.</param>
    /// <param name="cancellation">Ends a render that nobody waits for any more.</param>
    /// <returns>The prompt's text, and which of it came from the input.</returns>
    /// <exception cref="TemplateRaisedException">The template refused the conversation.</exception>
    /// <exception cref="TemplateRuntimeException">The template did something that has no meaning.</exception>
    /// <exception cref="TemplateInputException">A message is no object, or a text is not Unicode.</exception>
    /// <exception cref="OperationCanceledException">The render was cancelled.</exception>
    /// <exception cref="TemplateLimitException">The render, or the nesting of the input, went beyond a limit.</exception>
    public RenderedText Render(ChatTemplateInput input, TemplateLimits? limits = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        var inputs = new Dictionary<string, Value>();
        var context = new RenderContext(limits ?? _limits, inputs, input.Now, cancellation);
        InputReader.Read(context, input, inputs);
        try
        {
            _body.Execute(context);
        }
        catch (TemplateRuntimeException exception) when (exception.Line == 0)
        {
            exception.Line = context.Line;
            throw;
        }

        return context.Output;
    }
}
