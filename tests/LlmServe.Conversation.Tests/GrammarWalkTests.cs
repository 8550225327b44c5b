using System.Text.Json;
using Json.Schema;
using LlmServe.Constraints;
using LlmServe.Conversation.Formats;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

/// <summary>
/// Answers drawn at random from what a format's rule allows: whatever the draw, they parse to what was asked for, with arguments that a validator of JSON
/// Schema, which shares nothing with the rule, takes.
/// </summary>
public sealed class GrammarWalkTests
{
    private const int MostTokens = 1000;
    private const int Walks = 10;

    private const string Template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}{{ tools }}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    private const string Thinking = "{% if x %}<think></think>{% endif %}";

    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> Formats => [.. ToolFormats.Names];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Walk_MarksAreText_AnswersAreRight(string format) => await WalkAll(format, new ByteTokenizer([]));

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Walk_MarksAreControlTokens_AnswersAreRight(string format) =>
        await WalkAll(format, new ByteTokenizer([.. ToolFormats.Find(format)!.Marks, "<think>", "</think>"]));

    private static async Task WalkAll(string format, ByteTokenizer tokenizer)
    {
        var model = new ConversationModel(tokenizer, ModelTemplates.Of(Template + Thinking), format);
        using var compiler = new ConstraintCompiler(new ConstraintVocabulary(tokenizer));
        (ToolChoice Choice, bool IsParallel)[] ways =
            [(ToolChoice.Auto, true), (ToolChoice.Auto, false), (ToolChoice.Required, true), (ToolChoice.None, true), (ToolChoice.Function("plan"), false)];
        int ended = 0;
        string[] closings = [.. ToolFormats.Find(format)!.Marks.Append("</think>").Where(mark => mark.All(char.IsAscii))];
        foreach (var (choice, isParallel) in ways)
        {
            var prepared = model.Prepare(new ConversationRequest
            {
                Messages = [new("user", "Hi")], Tools = Tools.All, ToolChoice = choice, ParallelToolCalls = isParallel, Now = Now,
            });
            Assert.Equal(format, prepared.ToolFormat);
            var constraint = await compiler.CompileAsync(prepared.Constraint!, CancellationToken.None);
            for (int seed = 0; seed < Walks; seed++)
            {
                var tokens = Walk(tokenizer, constraint, closings, seed, out bool isCut);
                Check(prepared, tokens, isCut, choice, isParallel, tokenizer);
                ended += isCut ? 0 : 1;
            }
        }

        Assert.True(ended >= ways.Length * Walks / 3, $"only {ended} walks came to an end");
    }

    private static List<int> Walk(ByteTokenizer tokenizer, TokenConstraint constraint, IReadOnlyList<string> closings, int seed, out bool isCut)
    {
        var random = new Random(seed);
        var cursor = constraint.Start();
        var tokens = new List<int>();
        var allowed = new List<int>();
        string wish = ""; // a closing mark that is text, being written
        while (tokens.Count < MostTokens)
        {
            var mask = cursor.Mask();
            allowed.Clear();
            for (int id = 0; id < tokenizer.VocabularySize; id++)
            {
                if ((mask[id >> 6] >> (id & 63) & 1) != 0)
                {
                    allowed.Add(id);
                }
            }

            Assert.NotEmpty(allowed);
            wish = wish.Length > 0 ? wish : random.Next(24) == 0 ? closings[random.Next(closings.Count)] : "";
            int token = wish.Length > 0 && allowed.Contains(wish[0]) ? wish[0] : Choose(tokenizer, allowed, random);
            wish = wish.Length > 0 && wish[0] == token ? wish[1..] : "";
            Assert.True(cursor.TryAccept(token));
            if (tokenizer.EndOfGenerationIds.Contains(token))
            {
                isCut = false;
                return tokens;
            }

            tokens.Add(token);
        }

        isCut = true;
        return tokens;
    }

    /// <summary>Often a token that ends something, so that walks end; else any.</summary>
    private static int Choose(ByteTokenizer tokenizer, List<int> allowed, Random random)
    {
        if (random.Next(3) == 0)
        {
            var ending = allowed.Where(id => id >= 256 ? tokenizer.KindOf(id) == Text.TokenKind.Control : "\"'}])<\n".Contains((char)id)).ToList();
            if (ending.Count > 0)
            {
                return ending[random.Next(ending.Count)];
            }
        }

        return allowed[random.Next(allowed.Count)];
    }

    private static void Check(PreparedConversation prepared, List<int> tokens, bool isCut, ToolChoice choice, bool isParallel, ByteTokenizer tokenizer)
    {
        var parser = prepared.CreateParser();
        var events = new List<ConversationEvent>();
        foreach (int token in tokens)
        {
            events.AddRange(parser.Append([token]));
        }

        events.AddRange(parser.Finish(isCut, out var end));
        var answer = Answer.Of(events);
        string shown = $"{choice}, parallel {isParallel}: {string.Concat(tokens.Select(tokenizer.PieceOf))}\n{answer.Text}\n{string.Join('\n', answer.Calls)}";
        int whole = answer.Calls.Count(call => call.IsWhole);
        Assert.True(isCut || whole == answer.Calls.Count, shown);
        Assert.True(isCut || (choice.Mode is ToolChoiceMode.Required or ToolChoiceMode.Named ? whole > 0 : choice.Mode != ToolChoiceMode.None || whole == 0), shown);
        Assert.True(isParallel || answer.Calls.Count <= 1, shown);
        Assert.Equal(isCut ? ConversationEnd.Length : whole > 0 ? ConversationEnd.ToolCalls : ConversationEnd.Stop, end);
        foreach (var (name, arguments, _) in answer.Calls.Where(call => call.IsWhole))
        {
            var tool = Tools.All.Single(tool => tool.Name == name);
            Assert.True(choice.Name is null || choice.Name == name, shown);
            var schema = JsonSchema.FromText(tool.Parameters!.Value.GetRawText());
            Assert.True(schema.Evaluate(JsonElement.Parse(arguments)).IsValid, shown);
        }
    }
}
