using System.Text.Json;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>Answers that a request's rule bounds.</summary>
public sealed class ConstraintTests
{
    [Theory]
    [InlineData("""{"choice": {"texts": ["red", "blue", "green"]}}""", "^(red|blue|green)$")]
    [InlineData("""{"regex": "[a-c]{3}-[0-9]{2}"}""", "^[a-c]{3}-[0-9]{2}$")]
    [InlineData("""{"gbnf": "root ::= \"yes\" | \"no\""}""", "^(yes|no)$")]
    [InlineData("""{"jsonSchema": {"schema": "{\"enum\": [1, true]}"}}""", "^(1|true)$")]
    public async Task Chat_WithRule_AnswersWithinIt(string options, string pattern)
    {
        await using var server = await TestServer.StartAsync();
        var generation = GenerationOptions.Parser.ParseJson(options);
        generation.Sampling = new SamplingOptions { Temperature = 5, Seed = 3 };
        var deltas = await server.Client.ChatAsync(TestServer.Chat("Hi", generation)).ToListAsync();

        Assert.Matches(pattern, deltas.Text());
        Assert.Equal(FinishReason.Stop, deltas[^1].FinishReason);
    }

    [Fact]
    public async Task Generate_WithSchema_AnswersWithItsMembersOnly()
    {
        await using var server = await TestServer.StartAsync();
        var options = new GenerationOptions
        {
            MaxTokens = 200,
            JsonSchema = new JsonSchema
            {
                Schema = """{"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"const": "x"}}, "required": ["a", "b"]}""",
                CloseObjects = true,
            },
        };
        var request = new GenerateRequest { Text = "Hi", Options = options };
        var json = JsonElement.Parse((await server.Client.GenerateAsync(request).ToListAsync()).Text());

        Assert.Equal(["a", "b"], json.EnumerateObject().Select(member => member.Name));
    }

    [Theory]
    [InlineData("""{"regex": "(?=a)"}""", "options.regex")]
    [InlineData("""{"gbnf": "root ::= other"}""", "options.gbnf")]
    [InlineData("""{"jsonSchema": {"schema": "{\"type\": \"sound\"}"}}""", "options.json_schema.schema")]
    [InlineData("""{"jsonSchema": {"schema": "{"}}""", "options.json_schema.schema")]
    [InlineData("""{"choice": {}}""", "options.choice.texts")]
    public async Task Chat_WithRuleThatCannotBe_FailsAloneAndNamesIt(string options, string field)
    {
        await using var server = await TestServer.StartAsync();
        var generation = GenerationOptions.Parser.ParseJson(options);

        await Calls.FailsOnAsync(field, () => server.Client.ChatAsync(TestServer.Chat("Hi", generation)).ToListAsync());
        await Calls.FailsOnAsync(field, () => server.Client.PlanAsync(new PlanRequest { Chat = TestServer.Chat("Hi", generation) }));
        Assert.Equal(TestServer.Answer, (await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync()).Text());
    }

    [Fact]
    public async Task Chat_WithJsonObjectFalse_IsFree()
    {
        await using var server = await TestServer.StartAsync();

        Assert.Equal(TestServer.Answer, (await server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { JsonObject = false })).ToListAsync()).Text());
    }
}
