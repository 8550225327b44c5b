using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Harmony, the format of gpt-oss: the answer is messages, each with a header that names a channel (analysis is reasoning, final is text, commentary is text or
/// a call) and, for a call, its recipient: <c>&lt;|channel|&gt;commentary to=functions.N &lt;|constrain|&gt;json&lt;|message|&gt;{…}&lt;|call|&gt;</c>. The
/// prompt ends with <c>&lt;|start|&gt;assistant</c>.
/// </summary>
internal sealed class HarmonyFormat : ToolFormat
{
    private const string Start = "<|start|>";
    private const string Channel = "<|channel|>";
    private const string Constrain = "<|constrain|>";
    private const string Message = "<|message|>";
    private const string Recipient = "to=functions.";
    private const int LongestHeader = 512;

    private static readonly string[] Ends = ["<|end|>", "<|call|>", "<|return|>"];

    /// <inheritdoc/>
    public override string Name => "gpt-oss-harmony";

    /// <inheritdoc/>
    public override bool IsSingle => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [Start, Channel, Constrain, Message, .. Ends];

    /// <inheritdoc/>
    public override bool ReadsReasoning => true;

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        while (!await reader.IsAtEndAsync())
        {
            string header = await ReadHeaderAsync(reader);
            int recipient = header.IndexOf(Recipient, StringComparison.Ordinal);
            if (recipient >= 0)
            {
                string name = Word(header[(recipient + Recipient.Length)..]);
                await reader.SkipSpaceAsync();
                await reader.CallAsync(name);
                await reader.SkipSpaceAsync();
            }

            // What is read from here on is in no doubt; behind a call nothing may come but its end.
            reader.Settle();
            if (await ReadBodyAsync(reader, header, mayHaveText: recipient < 0))
            {
                await reader.TryTakeAsync(reader.Mark(Start));
                await reader.TryTakeAsync("assistant");
            }

            reader.Settle();
        }
    }

    /// <inheritdoc/>
    public override ConstraintPart Answer(ToolGrammar grammar)
    {
        // Any analysis, then text or a call; a preamble in the commentary may stand before a call.
        var next = grammar.Marks(Ends[0], Start, "assistant");
        var analysis = ToolGrammar.Sequence(Header(grammar, "analysis"), grammar.TextWithout(), next);
        var last = new List<ConstraintPart>();
        if (grammar.Tools.Callable.Count > 0)
        {
            var preamble = ToolGrammar.Sequence(Header(grammar, "commentary"), grammar.TextWithout(), next);
            last.Add(ToolGrammar.Sequence(ToolGrammar.Optional(preamble), Calls(grammar)));
        }

        if (!grammar.MustCall)
        {
            var text = grammar.Response is { } response ? new ConstraintPart.Rule(response) : grammar.TextWithout();
            last.Add(ToolGrammar.Sequence(Header(grammar, "final"), text));
        }

        return ToolGrammar.Sequence(new ConstraintPart.Repeat(analysis, 0, null), ToolGrammar.OneOf(last));
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => grammar.AnyTool(tool => ToolGrammar.Sequence(
        grammar.Mark(Channel), ToolGrammar.Literal($"commentary {Recipient}{tool.Name} "), grammar.Mark(Constrain), ToolGrammar.Literal("json"),
        grammar.Mark(Message), grammar.Arguments(tool)));

    private static ConstraintPart Header(ToolGrammar grammar, string channel) =>
        ToolGrammar.Sequence(grammar.Mark(Channel), ToolGrammar.Literal(channel), grammar.Mark(Message));

    /// <summary>Reads up to the message's text. Marks in the header are spelled out.</summary>
    private static async Reading<string> ReadHeaderAsync(AnswerReader reader)
    {
        string message = reader.Mark(Message);
        var source = reader.Source;
        int length = 0;
        while (await source.HasAsync(length + message.Length) && length < LongestHeader)
        {
            if (source.Unread[length..].StartsWith(message, StringComparison.Ordinal))
            {
                string header = reader.Markers.Spelled(source.Unread[..length]);
                source.Skip(length + message.Length);
                return header;
            }

            length += Parsing.Markers.CharacterLength(source.Unread[length..]);
        }

        throw new MalformedCallException();
    }

    private static async Reading<bool> ReadBodyAsync(AnswerReader reader, string header, bool mayHaveText)
    {
        int channel = header.IndexOf(Channel, StringComparison.Ordinal);
        bool isAnalysis = channel >= 0 && Word(header[(channel + Channel.Length)..]) == "analysis";
        string[] ends = [.. Ends.Append(Start).Select(reader.Mark)];
        reader.IsReasoning = isAnalysis;
        int found = await reader.TextUntilAsync(
            ends,
            text =>
            {
                if (!mayHaveText && text.Length > 0)
                {
                    throw new MalformedCallException();
                }

                if (isAnalysis)
                {
                    reader.Writer.Reasoning(text);
                }
                else
                {
                    reader.Writer.Text(text);
                }

                if (text.Length > 0)
                {
                    reader.Settle();
                }
            },
            mayEnd: true);
        reader.IsReasoning = false;
        return found >= 0;
    }

    private static string Word(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-' or '.'))
        {
            end++;
        }

        return text[..end];
    }
}
