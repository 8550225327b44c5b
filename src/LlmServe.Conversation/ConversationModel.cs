using System.Collections.Concurrent;
using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Templates;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation;

/// <summary>
/// What a model's chat templates and vocabulary make of conversations: messages, tools and options in, a prompt and a constraint out; the answer's tokens in,
/// events out. Every front uses it, and none reads a model's text itself. Immutable to its users and thread-safe.
/// </summary>
public sealed class ConversationModel
{
    private readonly ModelTemplates _templates;
    private readonly string? _toolFormat;
    private readonly ToolSchemas _schemas = new();
    private readonly ConcurrentDictionary<string, Lazy<PreparedTemplate>> _prepared = new(StringComparer.Ordinal);

    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="templates">The model's templates.</param>
    /// <param name="toolFormat">How the model writes calls of tools, one of <see cref="ToolFormatNames"/>; null: as its template tells.</param>
    /// <exception cref="ArgumentException">There is no such format.</exception>
    /// <exception cref="TemplateException">The usual template cannot be parsed.</exception>
    public ConversationModel(ITokenizer tokenizer, ModelTemplates templates, string? toolFormat = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(templates);
        Tokenizer = tokenizer;
        _templates = templates;
        _toolFormat = toolFormat;
        if (templates.Choose(hasTools: false) is { } usual)
        {
            Prepared(usual);
        }
    }

    /// <summary>The names of the formats in which models write calls of tools.</summary>
    public static IEnumerable<string> ToolFormatNames => ToolFormats.Names;

    /// <summary>The model's tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Names of the model's templates, the usual one's first; empty where it has none, and then it holds no conversations.</summary>
    public IReadOnlyList<string> TemplateNames => _templates.Names;

    /// <summary>What the template that conversations with tools, or without, are rendered by can do; null where the model has no template.</summary>
    /// <exception cref="TemplateException">The template cannot be parsed.</exception>
    public TemplateCapabilities? Capabilities(bool hasTools) => _templates.Choose(hasTools) is { } name ? Prepared(name).Capabilities : null;

    /// <summary>How calls of tools are written in the model's answers; null where the model has no template.</summary>
    /// <exception cref="TemplateException">The template cannot be parsed.</exception>
    public string? ToolFormat => _templates.Choose(hasTools: true) is { } name ? Prepared(name).Format.Name : null;

    /// <summary>Makes a prompt and a constraint of a conversation.</summary>
    /// <param name="request">The conversation, and how it is to be answered.</param>
    /// <param name="cancellation">Ends the work where nobody waits for it any more.</param>
    /// <exception cref="ConversationException">The request cannot be honoured; the exception names the field.</exception>
    /// <exception cref="TemplateException">The template cannot be parsed; where the answer is not taken apart, also whatever stops it.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public PreparedConversation Prepare(ConversationRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        string name = request.Template ?? _templates.Choose(request.HasTools)
            ?? throw new ConversationException(request.MessagesPath, "the model has no chat template; continue a text instead");
        if (_templates.Source(name) is null)
        {
            throw new ConversationException("template", $"the model has no template '{name}'; it has {string.Join(", ", _templates.Names)}");
        }

        return new ConversationPreparation(Tokenizer, Prepared(name), request, _schemas, cancellation).Run();
    }

    private PreparedTemplate Prepared(string name) => _prepared.GetOrAdd(name, key => new Lazy<PreparedTemplate>(() => new PreparedTemplate(
        key, ChatTemplate.Parse(_templates.Source(key)!), Tokenizer, Piece(Tokenizer.BosId), Piece(Tokenizer.EosId), _toolFormat))).Value;

    private string Piece(int? id) => id is { } token ? Tokenizer.PieceOf(token) : "";
}
