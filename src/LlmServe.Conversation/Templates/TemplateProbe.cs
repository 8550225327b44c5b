using System.Text.Json;
using LlmServe.Conversation.Parsing;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Templates;

/// <summary>Finds out what a template does, by rendering conversations with words in them that no template has.</summary>
internal sealed class TemplateProbe(ChatTemplate template, string bosToken, string eosToken)
{
    private const string ToolName = "probe_tool";
    private const string OtherToolName = "other_probe";
    private const string Word = "qzvx";
    private const string OtherWord = "wkjp";
    private const string Thought = "hfgw";
    private const string ShortId = "call00001";

    // A day like any other, so that what is found does not depend on when.
    private static readonly DateTimeOffset Now = new(2025, 1, 15, 12, 0, 0, TimeSpan.Zero);

    // What probing may cost: far more than any honest template takes.
    private static readonly TemplateLimits Limits = new() { Steps = 500_000, OutputLength = 1 << 20, TextLength = 4 << 20, Time = TimeSpan.FromSeconds(1) };

    private static readonly string[] ReasoningFields = ["reasoning_content", "thinking", "reasoning"];

    private static readonly string[] ReasoningVariables = ["enable_thinking", "thinking"];

    private static readonly TemplateMessage User = new("user", "Hi");

    /// <summary>Runs all probes.</summary>
    public TemplateCapabilities Run()
    {
        // Of the ways in which calls can be given, the first that the template renders.
        (bool IsObject, bool IsMissing)[] ways = [(true, false), (false, false), (true, true), (false, true)];
        int way = Array.FindIndex(ways, known => RendersCall(known.IsObject, known.IsMissing, isParallel: false));
        bool calls = way >= 0;
        var (objects, missing) = calls ? ways[way] : (true, false);
        var marks = ReasoningMarks.Known.FirstOrDefault(Mentions);
        return new TemplateCapabilities
        {
            Tools = Render([User], Tools(ToolName))?.Contains(ToolName, StringComparison.Ordinal) == true,
            ToolCalls = calls,
            ObjectArguments = calls && objects,
            ParallelToolCalls = calls && RendersCall(objects, missing, isParallel: true),
            EmptyContent = calls && !missing,
            MissingContent = calls && RendersCall(objects, missingContent: true, isParallel: false),
            ShortCallIds = calls && !RendersCall(objects, missing, isParallel: false, id: "call_0123456789"),
            ToolRole = RendersResult(objects, missing),
            SystemRole = Shows([new("system", Word), User], Word),
            SeveralSystemMessages = Shows([new("system", Word), new("system", OtherWord), User], Word, OtherWord),
            DeveloperRole = Shows([new("developer", Word), User], Word),
            TextContent = Shows([new("user", Word)], Word),
            ReasoningField = Array.Find(ReasoningFields, field => ShowsReasoning(field, objects)),
            ReasoningVariable = Array.Find(ReasoningVariables, IsReasoningVariable),
            ReasoningEffort = template.Mentions("reasoning_effort"),
            ReasoningStart = marks?.Start,
            ReasoningEnd = marks?.End,
        };
    }

    private bool Mentions(ReasoningMarks marks) => template.Source.Contains(marks.End, StringComparison.Ordinal);

    private bool IsReasoningVariable(string name) => template.Mentions(name)
        && Render([User], null, new Dictionary<string, TemplateValue> { [name] = true }) is { } on
        && Render([User], null, new Dictionary<string, TemplateValue> { [name] = false }) is { } off && on != off;

    private bool RendersCall(bool isObject, bool missingContent, bool isParallel, string id = ShortId)
    {
        string? text = Render([User, Call(isObject, missingContent, isParallel, [], id), Result(id: id), new("assistant", "Done.")], Tools(ToolName, OtherToolName));
        string? without = Render([User, new("assistant", "Done.")], Tools(ToolName, OtherToolName));
        return text is not null && Count(text, Word) > 0 && Count(text, ToolName) > (without is null ? 0 : Count(without, ToolName))
            && (!isParallel || Count(text, OtherWord) > 0)
            && !text.Contains($"'probe': '{Word}'", StringComparison.Ordinal) && !text.Contains($"\\\"{Word}\\\"", StringComparison.Ordinal);
    }

    private bool ShowsReasoning(string field, bool isObject) =>
        Shows([User, new("assistant", OtherWord, [new(field, Thought)])], Thought)
        || Shows([User, Call(isObject, true, false, [new(field, Thought)]), Result()], Thought);

    private bool RendersResult(bool isObject, bool missingContent) =>
        Render([User, Call(isObject, missingContent, false, []), Result(OtherWord)], Tools(ToolName))?.Contains(OtherWord, StringComparison.Ordinal) == true;

    private bool Shows(IReadOnlyList<TemplateMessage> messages, params string[] words)
    {
        string? text = Render(messages, null) ?? Render(messages, Tools(ToolName)); // some want tools
        return text is not null && words.All(word => text.Contains(word, StringComparison.Ordinal));
    }

    private static TemplateMessage Call(bool isObject, bool missingContent, bool isParallel, IReadOnlyList<KeyValuePair<string, TemplateValue>> fields, string id = ShortId)
    {
        var calls = new List<TemplateValue> { CallOf(ToolName, Word, id, isObject) };
        if (isParallel)
        {
            calls.Add(CallOf(OtherToolName, OtherWord, "call00002", isObject));
        }

        return new("assistant", missingContent ? null : TemplateValue.FromText(""), [new("tool_calls", TemplateValue.List(calls)), .. fields]);
    }

    private static TemplateValue CallOf(string name, string word, string id, bool isObject)
    {
        TemplateValue arguments = isObject ? TemplateValue.Object([new("probe", word)]) : $"{{\"probe\": \"{word}\"}}";
        return TemplateValue.Object(new("id", id), new("type", "function"), new("function", TemplateValue.Object(new("name", name), new("arguments", arguments))));
    }

    private static TemplateMessage Result(string content = "ok", string id = ShortId) => new("tool", content, [new("tool_call_id", id), new("name", ToolName)]);

    private static TemplateValue Tools(params string[] names) => TemplateValue.List([.. names.Select(name => (TemplateValue)JsonElement.Parse($$"""
        {
          "type": "function",
          "function": {
            "name": "{{name}}", "description": "A tool.",
            "parameters": {"type": "object", "properties": {"probe": {"type": "string", "description": "A text."} }, "required": ["probe"] }
          }
        }
        """))]);

    private static int Count(string text, string word) => text.AsSpan().Count(word);

    private string? Render(IReadOnlyList<TemplateMessage> messages, TemplateValue? tools, IReadOnlyDictionary<string, TemplateValue>? variables = null)
    {
        try
        {
            return template.Render(
                new ChatTemplateInput
                {
                    Messages = messages,
                    Tools = tools,
                    BosToken = bosToken,
                    EosToken = eosToken,
                    Variables = variables ?? new Dictionary<string, TemplateValue>(),
                    Now = Now,
                },
                Limits).Text;
        }
        catch (TemplateException)
        {
            return null;
        }
    }
}
