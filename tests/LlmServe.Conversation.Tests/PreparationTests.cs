using System.Text;
using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

public sealed class PreparationTests
{
    /// <summary>Knows everything: several system messages, developers, tools, calls with objects as arguments, results, reasoning.</summary>
    private const string Able = """
        {%- for m in messages -%}
        [{{ m.role }}{{ ' ' + m.name if m.name }}]{{ m.content }}{{ '(' + m.reasoning_content + ')' if m.reasoning_content }}
        {%- for c in m.tool_calls or [] -%}<call {{ c.id }} {{ c.function.name }} {{ c.function.arguments|items|map('first')|join(',') }} {{ c.function.arguments|tojson }}>{%- endfor -%}
        {%- endfor -%}
        {%- for t in tools or [] -%}<{{ t.function.name }}>{%- endfor -%}
        {%- if add_generation_prompt -%}[assistant]{{ '<think>' if enable_thinking else '<think></think>' }}{%- endif -%}
        """;

    /// <summary>Knows users and assistants alone, in turns, and a system message before them.</summary>
    private const string Plain = """
        {%- if messages[0].role == 'system' -%}S:{{ messages[0].content }};{%- set messages = messages[1:] -%}{%- endif -%}
        {%- for m in messages -%}
        {%- if m.role not in ('user', 'assistant') -%}{{ raise_exception('only users and assistants') }}{%- endif -%}
        {{ m.role[0] }}:{{ m.content }};
        {%- endfor -%}
        {%- if add_generation_prompt -%}a:{%- endif -%}
        """;

    private const string WithoutSystem = """
        {%- for m in messages -%}
        {%- if m.role not in ('user', 'assistant') -%}{{ raise_exception('only users and assistants') }}{%- endif -%}
        {{ m.role[0] }}:{{ m.content }};
        {%- endfor -%}
        """;

    private static readonly ByteTokenizer Tokenizer = new(["[INST]"]);

    private static readonly ToolCall Call = new("c1", "get_weather", """{"city": "Ulm"}""");

    [Fact]
    public void Prepare_RolesThatTheTemplateLacks_AreSaidInAnotherWay()
    {
        Assert.Equal("S:be kind\n\nand short;u:Hi;a:", Text(Plain, [new("system", "be kind"), new("developer", "and short"), new("user", "Hi")]));
        Assert.Equal("u:be kind\n\nHi;", Text(WithoutSystem, [new("system", "be kind"), new("user", "Hi")]));
        Assert.Equal("[system]a[system]b[developer]c[user]Hi[assistant]<think></think>", Text(Able, [new("system", "a"), new("system", "b"), new("developer", "c"), new("user", "Hi")]));
    }

    [Fact]
    public void Prepare_Calls_AreObjectsAndResultsHaveNames()
    {
        IReadOnlyList<ConversationMessage> messages =
            [new("user", "Hi"), new("assistant") { ToolCalls = [Call], Reasoning = "hm" }, new("tool", "rain") { ToolCallId = "c1" }];

        string text = Text(Able, messages, tools: Tools.All);

        Assert.Equal("""[user]Hi[assistant](hm)<call c1 get_weather city {"city": "Ulm"}>[tool get_weather]rain<get_weather><plan><time-now>[assistant]<think></think>""", text);
    }

    [Fact]
    public void Prepare_TemplateWithoutTools_TellsOfThemInWords()
    {
        IReadOnlyList<ConversationMessage> messages =
            [new("system", "Be kind."), new("user", "Hi"), new("assistant") { ToolCalls = [Call] }, new("tool", "rain") { ToolCallId = "c1" }];

        string text = Text(Plain, messages, tools: [Tools.Weather]);

        Assert.StartsWith("S:You can call these tools, each given as a JSON object:\n{\"name\": \"get_weather\", \"description\": \"The weather of a place.\", \"parameters\": {", text, StringComparison.Ordinal);
        Assert.Contains("\n\nBe kind.;u:Hi;a:{\"tool_call\": {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ulm\"}}};u:The tool get_weather returned:\nrain;a:", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_RawAnswer_GivesTheTemplateWhatWasSentAndWarnsOfToolsItIgnores()
    {
        var message = new ConversationMessage("user", "Hi") { Source = TemplateMessage.FromJson(JsonElement.Parse("""{"role": "user", "content": "raw"}""")) };
        var request = Request([message]) with { ParsesAnswer = false, TemplateTools = JsonElement.Parse("[1]") };

        var prepared = Model(Plain).Prepare(request);

        Assert.Equal("u:raw;a:", TextOf(prepared));
        Assert.Null(prepared.Constraint);
        Assert.Equal("tools: the model's template 'default' never looks at tools, so that the model does not see them", Assert.Single(prepared.Warnings));
        AssertRefused(Plain, request with { RefusesIgnoredTools = true }, "tools", "never looks at tools");
    }

    [Theory]
    [InlineData("{\"city\"", "is no JSON: '{\"city\"'")]
    [InlineData("[1]", "is JSON, but no object: '[1]'")]
    public void Prepare_ArgumentsThatAreNoObject_AreRefusedWithTheirPlace(string arguments, string problem)
    {
        var request = Request([new("user", "Hi"), new("assistant") { ToolCalls = [Call, Call with { Arguments = arguments }] }, new("tool", "x") { ToolCallId = "c1" }]);

        AssertRefused(Able, request, "messages[1].tool_calls[1].function.arguments", problem);
    }

    [Fact]
    public void Prepare_RequestsThatMakeNoSense_AreRefusedWithTheirPlace()
    {
        var hi = new ConversationMessage("user", "Hi");
        var yes = new ConversationMessage("assistant", "Yes");
        AssertRefused(Able, Request([]), "messages", "is empty");
        AssertRefused(Able, Request([new("usr", "Hi")]), "messages[0].role", "is 'usr'; allowed are system, developer, user, assistant, tool");
        AssertRefused(Able, Request([hi with { ToolCalls = [Call] }]), "messages[0].tool_calls", "only the assistant calls tools");
        AssertRefused(Able, Request([hi, yes, yes]), "messages[2]", "second message of the assistant");
        AssertRefused(Able, Request([hi]) with { ContinuesFinalMessage = true }, "messages[0]", "cannot be continued");
        AssertRefused(Able, Request([hi]) with { Tools = [new("a b")] }, "tools[0].function.name", "is 'a b'");
        AssertRefused(Able, Request([hi]) with { Tools = [Tools.Time, Tools.Time] }, "tools[1].function.name", "second time");
        AssertRefused(Able, Request([hi]) with { ToolChoice = ToolChoice.Required }, "tool_choice", "there are no tools");
        AssertRefused(Able, Request([hi]) with { Tools = Tools.All, ToolChoice = ToolChoice.Function("x") }, "tool_choice", "names the tool 'x'");
        AssertRefused(Able, Request([hi]) with { Reasoning = new() { MaxTokens = -1 } }, "reasoning.max_tokens", "is -1");
        AssertRefused(Able, Request([hi]) with { Variables = [new("tools", true)] }, "template_variables", "has the key 'tools'");
        AssertRefused(Able, Request([hi]) with { Template = "other" }, "template", "has no template 'other'; it has default");
        AssertRefused(Plain, Request([hi, new("system", "x")]), "messages", "only users and assistants");
        Assert.Throws<TemplateRaisedException>(() => Model(Plain).Prepare(Request([hi, new("system", "x")]) with { ParsesAnswer = false }));
    }

    [Fact]
    public void Prepare_SchemaThatCannotBeHonoured_IsRefusedWhereStrictAndAnyObjectElse()
    {
        var tool = new ToolDefinition("t", null, JsonElement.Parse("""{"type": "object", "properties": {"a": {"contains": 1, "$dynamicRef": "#x"}}}"""));
        var request = Request([new("user", "Hi")]) with { ToolChoice = ToolChoice.Required };

        AssertRefused(Able, request with { Tools = [Tools.Time, tool with { Strict = true }] }, "tools[1].function.parameters/properties/a/contains", "");
        Assert.NotNull(Model(Able).Prepare(request with { Tools = [tool] }).Constraint);
        var text = new ToolDefinition("t", null, JsonElement.Parse("""{"type": "string"}"""), Strict: true);
        AssertRefused(Able, request with { Tools = [text] }, "tools[0].function.parameters", "");
    }

    [Fact]
    public void Prepare_LastMessageContinued_EndsWithItsWords()
    {
        var request = Request([new("user", "Hi"), new("assistant", "Well, ")]) with { ContinuesFinalMessage = true };

        Assert.Equal("[user]Hi[assistant]Well,", TextOf(Model(Able).Prepare(request)));
    }

    [Fact]
    public void Prepare_ControlTokensInMessages_CountWhereAllowed()
    {
        var request = Request([new("user", "[INST]")]);

        Assert.DoesNotContain(Tokenizer.IdOf("[INST]"), Model(Able).Prepare(request).Prompt);
        Assert.Contains(Tokenizer.IdOf("[INST]"), Model(Able).Prepare(request with { AllowsControlTokens = true }).Prompt);
    }

    [Fact]
    public void Prepare_Reasoning_IsTurnedOnAndOff()
    {
        string Of(bool? enabled) => TextOf(Model(Able).Prepare(Request([new("user", "Hi")]) with { Reasoning = new() { Enabled = enabled } }));

        Assert.EndsWith("[assistant]<think>", Of(true), StringComparison.Ordinal);
        Assert.EndsWith("[assistant]<think></think>", Of(false), StringComparison.Ordinal);
        Assert.EndsWith("[assistant]<think></think>", Of(null), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_ReasoningBudget_EndsTheReasoning()
    {
        using var compiler = new ConstraintCompiler(new ConstraintVocabulary(Tokenizer));
        foreach (bool isOpen in new[] { true, false })
        {
            string template = isOpen ? Able : Able.Replace("{{ '<think>' if enable_thinking else '<think></think>' }}", "{# </think> #}", StringComparison.Ordinal);
            var prepared = Model(template).Prepare(Request([new("user", "Hi")]) with { Reasoning = new() { Enabled = true, MaxTokens = 4 } });
            var cursor = (await compiler.CompileAsync(prepared.Constraint!, CancellationToken.None)).Start();
            foreach (byte token in Encoding.UTF8.GetBytes(isOpen ? "hmhm" : "<think>hmhm"))
            {
                Assert.True(cursor.TryAccept(token));
            }

            Assert.Equal("</think>", string.Concat(cursor.ForcedTokens().ToArray().Select(token => Encoding.UTF8.GetString(Tokenizer.BytesOf(token)))));
        }
    }

    [Fact]
    public void Prepare_PromptThatIsTooLong_LosesItsOldestTurns()
    {
        var messages = new List<ConversationMessage> { new("system", "sys") };
        for (int i = 0; i < 10; i++)
        {
            messages.Add(new("user", $"question {i}"));
            messages.Add(new("assistant") { ToolCalls = [Call] });
            messages.Add(new("tool", "rain") { ToolCallId = "c1" });
            messages.Add(new("assistant", $"answer {i}"));
        }

        messages.Add(new("user", "last"));
        var request = Request(messages) with { DropsOldest = true };
        int whole = Model(Able).Prepare(request).Prompt.Count;
        int turn = "[user]question 0[assistant]<call c1 get_weather city {\"city\": \"Ulm\"}>[tool get_weather]rain[assistant]answer 0".Length;
        for (int removed = 0; removed <= 10; removed++)
        {
            foreach (int most in new[] { whole - (removed * turn), removed == 0 ? whole + 9 : whole - ((removed - 1) * turn) - 1 })
            {
                var prepared = Model(Able).Prepare(request with { MostTokens = Math.Max(most, 1) });

                Assert.Equal(Enumerable.Range(1, 4 * removed), prepared.RemovedMessages);
                Assert.Equal(whole - (removed * turn), prepared.Prompt.Count);
                Assert.StartsWith("[system]sys[user]", TextOf(prepared), StringComparison.Ordinal);
            }
        }

        Assert.Equal(whole, Model(Able).Prepare(request with { DropsOldest = false, MostTokens = whole - 1 }).Prompt.Count);
        AssertRefused(Able, Request([new("user", new string('x', 10_000))]) with { MostTokens = 100, DropsOldest = true }, "messages", "at most 100 are of use here");
    }

    [Fact]
    public void Prepare_LongIdsOfCalls_AreShortenedWhereTheTemplateWantsIt()
    {
        string template = Able.Replace("<call ", "{% if c.id|length != 9 %}{{ raise_exception('nine') }}{% endif %}<call ", StringComparison.Ordinal);
        var messages = new List<ConversationMessage> { new("user", "Hi"), new("assistant") { ToolCalls = [Call with { Id = "call_0123456789abcdef" }] }, new("tool", "x") { ToolCallId = "call_0123456789abcdef" } };

        Assert.Matches("<call [0-9A-Za-z]{9} get_weather", Text(template, messages));
        Assert.Contains("[tool get_weather]x", Text(template, messages), StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_Cancelled_Ends()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => Model(Able).Prepare(Request([new("user", new string('x', 100_000))]), source.Token));
    }

    [Fact]
    public void Prepare_ModelWithoutTemplate_IsRefused()
    {
        var error = Assert.Throws<ConversationException>(() => new ConversationModel(Tokenizer, ModelTemplates.None).Prepare(Request([new("user", "Hi")])));

        Assert.Equal(("messages", "the model has no chat template; continue a text instead"), (error.Path, error.Problem));
    }

    private static void AssertRefused(string template, ConversationRequest request, string path, string problem)
    {
        var error = Assert.Throws<ConversationException>(() => Model(template).Prepare(request));

        Assert.Equal(path, error.Path);
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
    }

    private static ConversationModel Model(string template) => new(Tokenizer, ModelTemplates.Of(template), template.Contains("tools", StringComparison.Ordinal) ? "hermes" : null);

    private static ConversationRequest Request(IReadOnlyList<ConversationMessage> messages) => new() { Messages = messages, Now = TemplateCases.Now };

    private static string Text(string template, IReadOnlyList<ConversationMessage> messages, IReadOnlyList<ToolDefinition>? tools = null) =>
        TextOf(Model(template).Prepare(Request(messages) with { Tools = tools ?? [] }));

    private static string TextOf(PreparedConversation prepared) => Encoding.UTF8.GetString([.. prepared.Prompt.SelectMany(id => Tokenizer.BytesOf(id).ToArray())]);
}
