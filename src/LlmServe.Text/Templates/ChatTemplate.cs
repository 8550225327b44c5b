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
    /// <returns>The prompt's text, special tokens in it spelled out.</returns>
    /// <exception cref="TemplateRaisedException">The template refused the conversation.</exception>
    /// <exception cref="TemplateRuntimeException">The template did something that has no meaning.</exception>
    /// <exception cref="TemplateInputException">A message is no object, or a text is not Unicode.</exception>
    /// <exception cref="TemplateLimitException">The render, or the nesting of the input, went beyond a limit.</exception>
    public string Render(ChatTemplateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var inputs = new Dictionary<string, Value>();
        var context = new RenderContext(_limits, inputs, input.Now);
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
