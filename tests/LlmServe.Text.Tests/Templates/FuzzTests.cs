using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LlmServe.Testing;
using LlmServe.Text.Templates;
using Xunit.Abstractions;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Broken and random templates: each renders or fails with one of the interpreter's own exceptions, within its means.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int Seed = 20260115;
    private const long MaxAllocation = 64 << 20;

    // A hang, not a slow machine: a render that its limits end takes a thousandth of this.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(20);

    private static readonly TemplateLimits Limits = new()
    {
        SourceLength = 1 << 16,
        Steps = 20_000,
        TextLength = 1 << 18,
        OutputLength = 1 << 16,
        CallDepth = 20,
        Time = TimeSpan.FromSeconds(1),
    };

    private static readonly ChatTemplateInput Input = Rendering.Input(JsonDocument.Parse("""
        {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "Hi \ud83d\ude42"}]},
         {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1, "b": [true, null, 2.5]}}}]}],
         "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
         "x": 5, "s": "a b", "l": [3, 1, 2], "d": {"k": "v", "n": null}}
        """).RootElement);

    private readonly Dictionary<string, int> _outcomes = [];

    [Fact]
    public void Parse_MutatedOwnTemplates_SucceedOrFailCleanly()
    {
        var random = new Random(Seed);
        var sources = File.ReadLines(TestData.Local("templates", "semantics.jsonl")).Skip(1)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("template").GetString()!).ToArray();
        Run(10_000, () => Mutate(random, sources));
    }

    [Fact]
    public void Parse_GeneratedTemplates_SucceedOrFailCleanly()
    {
        var generator = new TemplateGenerator(new Random(Seed + 1));
        Run(10_000, generator.Template);
        Assert.True(_outcomes.GetValueOrDefault("rendered") > 1000, "hardly any generated template renders, so the generator tests nothing");
    }

    [SkippableFact]
    public void Parse_MutatedSharedTemplates_SucceedOrFailCleanly()
    {
        var random = new Random(Seed + 2);
        var sources = Directory.EnumerateFiles(TestData.Shared("data", "templates"), "*.jinja").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        Run(3_000, () => Mutate(random, sources));
    }

    private void Run(int count, Func<string> next)
    {
        for (int i = 0; i < count; i++)
        {
            string source = next();
            var clock = Stopwatch.StartNew();
            long before = GC.GetAllocatedBytesForCurrentThread();
            string outcome = Outcome(source);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
            Assert.True(allocated < MaxAllocation, $"{allocated} bytes allocated for {JsonSerializer.Serialize(source)}");
            Assert.True(clock.Elapsed < Hang, $"{clock.Elapsed} for {JsonSerializer.Serialize(source)}");
        }

        output.WriteLine(string.Join(", ", _outcomes.Select(pair => $"{pair.Key} {pair.Value}")));
    }

    private static string Outcome(string source)
    {
        try
        {
            ChatTemplate.Parse(source, Limits).Render(Input);
            return "rendered";
        }
        catch (TemplateException exception)
        {
            Assert.NotEmpty(exception.Message);
            return exception.GetType().Name;
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{exception.GetType().Name} of {JsonSerializer.Serialize(source)}", exception);
        }
    }

    private static string Mutate(Random random, string[] sources)
    {
        var text = new StringBuilder(sources[random.Next(sources.Length)]);
        for (int edits = random.Next(1, 6); edits > 0; edits--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(1, 12), text.Length - at);
            switch (random.Next(5))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, TemplateGenerator.Pieces[random.Next(TemplateGenerator.Pieces.Length)]);
                    break;
                case 2:
                    text.Insert(at, (char)(random.Next(8) == 0 ? random.Next(0x10000) : random.Next(32, 127)));
                    break;
                case 3:
                    string other = sources[random.Next(sources.Length)];
                    int from = random.Next(other.Length + 1);
                    text.Insert(at, other.AsSpan(from, Math.Min(random.Next(1, 60), other.Length - from)));
                    break;
                default:
                    text.Insert(random.Next(text.Length + 1), text.ToString(at, length));
                    break;
            }
        }

        return text.ToString();
    }
}
