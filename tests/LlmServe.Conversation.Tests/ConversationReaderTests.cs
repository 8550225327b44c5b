using System.Text.Json;
using System.Text.Json.Nodes;
using LlmServe.Constraints;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

public sealed class ConversationReaderTests
{
    private const int Mutations = 20_000;

    [Fact]
    public void Messages_EveryKnownForm_AreRead()
    {
        var messages = ConversationReader.Messages(JsonElement.Parse("""
            [
              {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}], "name": "Ann"},
              {"role": "assistant", "reasoning": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
                {"id": null, "function": {"name": "g", "arguments": {"y": [1]}}},
                {"function": {"name": "h", "arguments": null}}]},
              {"role": "tool", "tool_call_id": "c1", "tool_name": "f", "content": []},
              {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": null, "extra": {"k": 1}}
            ]
            """));

        Assert.Equal(("user", "a\nb", "Ann"), (messages[0].Role, messages[0].Content, messages[0].Name));
        Assert.Equal((null, "hm"), (messages[1].Content, messages[1].Reasoning));
        Assert.Equal([new("c1", "f", "{\"x\": 1}"), new("call00001", "g", "{\"y\": [1]}"), new("call00002", "h", "{}")], messages[1].ToolCalls);
        Assert.Equal(("c1", "f", ""), (messages[2].ToolCallId, messages[2].Name, messages[2].Content));
        Assert.Equal(("no", "extra"), (messages[3].Content, Assert.Single(messages[3].Fields).Key));
    }

    [Theory]
    [InlineData("""{}""", "messages")]
    [InlineData("""[1]""", "messages[0]")]
    [InlineData("""[{}]""", "messages[0].role")]
    [InlineData("""[{"role": 1}]""", "messages[0].role")]
    [InlineData("""[{"role": "user", "content": 5}]""", "messages[0].content")]
    [InlineData("""[{"role": "user", "content": ["a"]}]""", "messages[0].content[0]")]
    [InlineData("""[{"role": "user", "content": [{"type": "image_url"}]}]""", "messages[0].content[0].type")]
    [InlineData("""[{"role": "user", "content": [{"type": "text"}]}]""", "messages[0].content[0].text")]
    [InlineData("""[{"role": "user", "content": "\ud800"}]""", "messages[0].content")]
    [InlineData("""[{"role": "user", "\ud800": 1}]""", "messages[0]")]
    [InlineData("""[{"role": "assistant", "tool_calls": {}}]""", "messages[0].tool_calls")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"type": "custom"}]}]""", "messages[0].tool_calls[0].type")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"id": "x"}]}]""", "messages[0].tool_calls[0].function")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"function": {}}]}]""", "messages[0].tool_calls[0].function.name")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 3}}]}]""", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("""[{"role": "tool", "tool_call_id": 3}]""", "messages[0].tool_call_id")]
    public void Messages_Malformed_AreRefusedWithTheirPlace(string json, string path)
    {
        Assert.Equal(path, Assert.Throws<ConversationException>(() => ConversationReader.Messages(JsonElement.Parse(json))).Path);
    }

    [Fact]
    public void Tools_BothForms_AreRead()
    {
        var tools = ConversationReader.Tools(JsonElement.Parse("""
            [
              {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
              {"type": "function", "name": "g", "parameters": null},
              {"function": {"name": "h"}}
            ]
            """));

        Assert.Equal([("f", "d", true), ("g", null, false), ("h", null, false)], tools.Select(tool => (tool.Name, tool.Description, tool.Strict)));
        Assert.Equal([true, false, false], tools.Select(tool => tool.Parameters is not null));
        Assert.Equal([true, false, true], tools.Select(tool => tool.Source is not null));
        Assert.Empty(ConversationReader.Tools(JsonElement.Parse("null")));
    }

    [Theory]
    [InlineData("""{}""", "tools")]
    [InlineData("""[{"type": "web_search"}]""", "tools[0].type")]
    [InlineData("""[{"type": "function"}]""", "tools[0].name")]
    [InlineData("""[{"type": "function", "function": {"name": "f", "parameters": []}}]""", "tools[0].function.parameters")]
    [InlineData("""[{"type": "function", "function": {"name": "f", "strict": "yes"}}]""", "tools[0].function.strict")]
    public void Tools_Malformed_AreRefusedWithTheirPlace(string json, string path)
    {
        Assert.Equal(path, Assert.Throws<ConversationException>(() => ConversationReader.Tools(JsonElement.Parse(json))).Path);
    }

    [Fact]
    public void ToolChoice_EveryForm_IsRead()
    {
        Assert.Equal(ToolChoice.Auto, Choice("null"));
        Assert.Equal(ToolChoice.Auto, Choice("\"auto\""));
        Assert.Equal(ToolChoice.None, Choice("\"none\""));
        Assert.Equal(ToolChoice.Required, Choice("\"required\""));
        Assert.Equal(ToolChoice.Function("f"), Choice("""{"type": "function", "function": {"name": "f"}}"""));
        Assert.Equal(ToolChoice.Function("f"), Choice("""{"type": "function", "name": "f"}"""));
        Assert.Equal("tool_choice", Assert.Throws<ConversationException>(() => Choice("\"any\"")).Path);
        Assert.Equal("tool_choice.type", Assert.Throws<ConversationException>(() => Choice("""{"type": "tool"}""")).Path);

        static ToolChoice Choice(string json) => ConversationReader.ToolChoice(JsonElement.Parse(json));
    }

    [Fact]
    public void ResponseFormat_EveryForm_IsRead()
    {
        Assert.Null(Format("""{"type": "text"}"""));
        Assert.Equal(ConstraintRule.JsonObject, Format("""{"type": "json_object"}"""));
        Assert.Equal(new ConstraintRule(ConstraintKind.JsonSchema, "{\"a\": 1}"), Format("""{"type": "json_object", "schema": {"a": 1}}"""));
        Assert.Equal(
            new ConstraintRule(ConstraintKind.JsonSchema, "{}") { CloseObjects = true }, Format("""{"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}}"""));
        Assert.Equal("response_format.type", Assert.Throws<ConversationException>(() => Format("""{"type": "sound"}""")).Path);
        Assert.Equal("response_format.schema", Assert.Throws<ConversationException>(() => Format("""{"type": "json_object", "schema": 123}""")).Path);
        Assert.Equal("response_format.json_schema.schema", Assert.Throws<ConversationException>(() => Format("""{"type": "json_schema", "json_schema": {}}""")).Path);

        static ConstraintRule? Format(string json) => ConversationReader.ResponseFormat(JsonElement.Parse(json));
    }

    /// <summary>Conversations that were mutated at random, through every shared template: a prompt, or an error with a place, and nothing else.</summary>
    [SkippableFact]
    public void Prepare_MutatedConversations_SucceedOrNameAPlace()
    {
        var cases = TemplateCases.AllNames.SelectMany(name => TemplateCases.Cases(name).Select(root => (Name: name, Root: root))).ToList();
        var tokenizer = new ByteTokenizer([]);
        var models = TemplateCases.AllNames.ToDictionary(name => name, name => new ConversationModel(tokenizer, ModelTemplates.Of(TemplateCases.Source(name))));
        int prompts = 0;
        var failures = new List<string>();
        Parallel.For(0, Mutations, i =>
        {
            var random = new Random(i);
            var (name, root) = cases[random.Next(cases.Count)];
            var request = new JsonObject
            {
                ["messages"] = JsonNode.Parse(root.GetProperty("messages").GetRawText()),
                ["tools"] = JsonNode.Parse(root.GetProperty("tools").GetRawText()),
                ["tool_choice"] = random.Next(3) == 0 ? "required" : "auto",
            };
            for (int count = random.Next(1, 4); count > 0; count--)
            {
                JsonMutator.Mutate(request, random);
            }

            string text = request.ToJsonString();
            try
            {
                Prepare(models[name], JsonElement.Parse(text));
                Interlocked.Increment(ref prompts);
            }
            catch (ConversationException error) when (error.Path.Length > 0 && error.Problem.Length > 0)
            {
                // As it should be.
            }
            catch (Exception error)
            {
                lock (failures)
                {
                    failures.Add($"{name}: {error.GetType().Name} {error.Message}\n{text}\n{error.StackTrace}");
                }
            }
        });

        Assert.True(failures.Count == 0, $"{failures.Count} of {Mutations}: {string.Join("\n\n", failures.Take(3))}");
        Assert.InRange(prompts, Mutations / 10, Mutations - (Mutations / 10));
    }

    private static void Prepare(ConversationModel model, JsonElement request) => model.Prepare(new ConversationRequest
    {
        Messages = request.TryGetProperty("messages", out var messages) ? ConversationReader.Messages(messages) : [],
        Tools = request.TryGetProperty("tools", out var tools) ? ConversationReader.Tools(tools) : [],
        ToolChoice = request.TryGetProperty("tool_choice", out var choice) ? ConversationReader.ToolChoice(choice) : ToolChoice.Auto,
        Now = TemplateCases.Now,
    });
}
