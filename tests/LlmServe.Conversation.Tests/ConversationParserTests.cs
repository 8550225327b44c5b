using System.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

public sealed class ConversationParserTests
{
    private const string Template =
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ tools }}{% if add_generation_prompt %}[assistant]{{ '<think>' if open }}{% endif %}{# </think> #}";

    private static readonly ByteTokenizer Tokenizer = new(["<think>", "</think>", "<tool_call>", "</tool_call>"]);
    private static readonly ConversationModel Model = new(Tokenizer, ModelTemplates.Of(Template), "hermes");

    [Fact]
    public void Append_EverySplitOfTheTokens_GivesTheSameEvents()
    {
        var tokens = Ids("<think>", "Hm, 😀🐀 é", "</think>", "\n\nLet me see. ", "<tool_call>", "\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n", "</tool_call>", "\n");
        var prepared = Prepare(new());
        var whole = Run(prepared, [tokens]);
        var answer = Answer.Of(whole);
        Assert.Equal("Hm, 😀🐀 é", answer.Reasoning);
        Assert.Equal("Let me see.", answer.Text.Trim());
        Assert.Equal([("get_weather", "{\"city\": \"Köln\"}", true)], answer.Calls);

        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            var parts = new List<List<int>>();
            for (int at = 0; at < tokens.Count; at += parts[^1].Count)
            {
                parts.Add(tokens.GetRange(at, Math.Min(tokens.Count - at, random.Next(1, 1 + random.Next(1, 40)))));
            }

            Assert.Equal(whole, Run(prepared, parts));
        }
    }

    [Fact]
    public void Append_MarksSpelledInOrdinaryTokens_AreText()
    {
        string spelled = "<think>no</think><tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_call>";

        var answer = Answer.Of(Run(Prepare(new()), [Bytes(spelled)]));

        Assert.Equal(spelled, answer.Text);
        Assert.Empty(answer.Calls);
        Assert.Empty(answer.Reasoning);
    }

    [Fact]
    public void Append_PromptThatOpensReasoning_StartsWithin()
    {
        var prepared = Prepare(new() { Enabled = true }, ("open", true));

        var events = Run(prepared, [Ids("so", "</think>", "Yes.")], out var parser);

        Assert.Equal(("so", "Yes."), (Answer.Of(events).Reasoning, Answer.Of(events).Text));
        Assert.Equal(3, parser.ReasoningTokens);
    }

    [Fact]
    public void Append_ReasoningThatACallEnds_IsReasoning()
    {
        var answer = Answer.Of(Run(Prepare(new()), [Ids("<think>", "hm", "<tool_call>", "{\"name\": \"time-now\", \"arguments\": {}}", "</tool_call>")]));

        Assert.Equal("hm", answer.Reasoning);
        Assert.Equal([("time-now", "{}", true)], answer.Calls);
    }

    [Fact]
    public void Append_ReasoningThatStaysInTheText_KeepsItsMarks()
    {
        var answer = Answer.Of(Run(Prepare(new() { StaysInText = true }), [Ids("<think>", "hm", "</think>", "Yes.")]));

        Assert.Equal("<think>hm</think>Yes.", answer.Text);
        Assert.Empty(answer.Reasoning);
    }

    [Fact]
    public void Append_StopText_EndsTheTextAlone()
    {
        var prepared = Model.Prepare(Request(new()) with { StopTexts = ["STOP", "ever"] });
        var parser = prepared.CreateParser();
        var events = new List<ConversationEvent>();
        foreach (int token in Ids("<think>", "never STOP", "</think>", "on and on STO", "P and more"))
        {
            events.AddRange(parser.Append([token]));
        }

        events.AddRange(parser.Finish(isCut: true, out var end));
        var answer = Answer.Of(events);
        Assert.Equal(("never STOP", "on and on "), (answer.Reasoning, answer.Text));
        Assert.Equal((true, "STOP", ConversationEnd.Stop), (parser.IsStopped, parser.StopText, end));
        Assert.Equal(2 + "never STOP".Length + "on and on STOP".Length, parser.Tokens);
    }

    [Fact]
    public void Append_AnswerThatIsCutWithinACall_GivesWhatThereIs()
    {
        var prepared = Prepare(new());
        var parser = prepared.CreateParser();
        var events = parser.Append(Ids("<tool_call>", "\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ber")).ToList();

        events.AddRange(parser.Finish(isCut: true, out var end));

        Assert.Equal([("get_weather", "{\"city\": \"Ber", false)], Answer.Of(events).Calls);
        Assert.Equal(ConversationEnd.Length, end);
    }

    [Fact]
    public void Append_Events_KnowTheTokensThatShowedThem()
    {
        var tokens = Ids("a", "é", "b");

        var events = Run(Prepare(new()), [tokens]);

        Assert.Equal([("a", 1), ("é", 3), ("b", 4)], events.Select(item => (item.Text, item.Tokens)));
    }

    [Fact]
    public void Append_Calls_HaveIdsOfNineLettersThatFollowFromThePrompt()
    {
        var tokens = Ids("<tool_call>", "{\"name\": \"time-now\", \"arguments\": {}}", "</tool_call>", "<tool_call>", "{\"name\": \"time-now\", \"arguments\": {}}", "</tool_call>");
        string[] Of(ConversationRequest request) => [.. Run(Model.Prepare(request), [tokens]).Where(item => item.Kind == ConversationEventKind.ToolCallStart).Select(item => item.Id)];

        string[] ids = Of(Request(new()));

        Assert.Equal(ids, Of(Request(new())));
        Assert.Empty(ids.Intersect(Of(Request(new()) with { Messages = [new("user", "Hello")] })));
        Assert.Equal(2, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[0-9A-Za-z]{9}$", id));
    }

    [Fact]
    public void Append_AnyTokens_NeverFails()
    {
        var random = new Random(11);
        foreach (string format in ConversationModel.ToolFormatNames)
        {
            string[] controls = [.. Formats.ToolFormats.Find(format)!.Marks, "<think>", "</think>"];
            string[] texts = [.. controls, "{", "}", "[", "]", "\"", "\\", ":", ",", "(", ")", "=", "'", "\n", "get_weather", "arguments", "name", "functions."];
            var tokenizer = new ByteTokenizer(controls);
            var prepared = new ConversationModel(tokenizer, ModelTemplates.Of(Template), format).Prepare(Request(new()));
            for (int round = 0; round < 60; round++)
            {
                var tokens = new List<int>();
                while (tokens.Count < 200)
                {
                    int kind = random.Next(4);
                    tokens.AddRange(kind == 0 ? [tokenizer.IdOf(controls[random.Next(controls.Length)])]
                        : kind == 1 ? [random.Next(tokenizer.VocabularySize)] : Bytes(texts[random.Next(texts.Length)]));
                }

                var whole = Run(prepared, [tokens]);
                Assert.Equal(whole, Run(prepared, [.. tokens.Select(token => new List<int> { token })]));
            }
        }
    }

    private static PreparedConversation Prepare(ReasoningOptions reasoning, params (string Name, bool Value)[] variables) => Model.Prepare(
        Request(reasoning) with { Variables = [.. variables.Select(pair => KeyValuePair.Create(pair.Name, (TemplateValue)pair.Value))] });

    private static ConversationRequest Request(ReasoningOptions reasoning) =>
        new() { Messages = [new("user", "Hi")], Tools = Tools.All, Reasoning = reasoning, Now = TemplateCases.Now };

    private static List<ConversationEvent> Run(PreparedConversation prepared, IReadOnlyList<List<int>> parts) => Run(prepared, parts, out _);

    private static List<ConversationEvent> Run(PreparedConversation prepared, IReadOnlyList<List<int>> parts, out ConversationParser parser)
    {
        parser = prepared.CreateParser();
        var events = new List<ConversationEvent>();
        foreach (var part in parts)
        {
            events.AddRange(parser.Append(part));
        }

        events.AddRange(parser.Finish(isCut: false, out _));
        return events;
    }

    /// <summary>Control tokens by name, other texts byte by byte.</summary>
    private static List<int> Ids(params string[] pieces) => [.. pieces.SelectMany(piece =>
        piece is "<think>" or "</think>" or "<tool_call>" or "</tool_call>" ? [Tokenizer.IdOf(piece)] : Bytes(piece))];

    private static List<int> Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];
}
