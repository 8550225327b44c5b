using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Parsing;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Templates;

/// <summary>One of a model's templates, with what is known of it.</summary>
internal sealed class PreparedTemplate
{
    public PreparedTemplate(string name, ChatTemplate template, ITokenizer tokenizer, string bosToken, string eosToken, string? toolFormat)
    {
        Name = name;
        Template = template;
        BosToken = bosToken;
        EosToken = eosToken;
        Capabilities = new TemplateProbe(template, bosToken, eosToken).Run();
        Format = toolFormat is null
            ? ToolFormats.Of(template.Source, Capabilities.Tools ? tokenizer : null)
            : ToolFormats.Find(toolFormat) ?? throw new ArgumentException($"there is no tool format '{toolFormat}'; there are {string.Join(", ", ToolFormats.Names)}", nameof(toolFormat));
        Reasoning = Capabilities.ReasoningStart is { } start ? new ReasoningMarks(start, Capabilities.ReasoningEnd!) : null;
        Markers = new Markers(tokenizer, Format.Marks.Concat(Reasoning is null ? [] : [Reasoning.Start, Reasoning.End]));
    }

    public string Name { get; }

    public ChatTemplate Template { get; }

    public string BosToken { get; }

    public string EosToken { get; }

    public TemplateCapabilities Capabilities { get; }

    /// <summary>How the model writes calls.</summary>
    public ToolFormat Format { get; }

    /// <summary>The marks around the model's reasoning; null where it does not reason.</summary>
    public ReasoningMarks? Reasoning { get; }

    /// <summary>How the vocabulary writes the marks.</summary>
    public Markers Markers { get; }
}
