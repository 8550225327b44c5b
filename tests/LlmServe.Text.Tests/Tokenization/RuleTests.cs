using System.Text.Json;
using LlmServe.Gguf;
using LlmServe.Testing;
using Xunit.Abstractions;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Every name of <c>tokenizer.ggml.pre</c> over one vocabulary in which nearly any two neighbours within a piece merge: the golden ids show each cut.</summary>
public sealed class RuleTests(ITestOutputHelper output)
{
    private const int Rules = 89;

    [SkippableFact]
    public void Encode_EveryRule_GivesTheGoldenIds()
    {
        using var file = GgufFile.Open(TestData.Shared("data", "tokenizers", "rules.gguf"));
        var failures = new List<string>();
        var rules = File.ReadLines(TestData.Shared("data", "tokenizers", "rules.jsonl")).Where(line => line.Length > 0)
            .Select(line => JsonDocument.Parse(line).RootElement).GroupBy(root => root.GetProperty("pre").GetString()!).ToList();
        foreach (var rule in rules)
        {
            if (!TokenizerFactory.RuleNames.Contains(rule.Key))
            {
                failures.Add($"{rule.Key}: not known");
                continue;
            }

            var tokenizer = TokenizerFactory.CreateBytePair(file.Metadata, rule.Key);
            var wrong = rule.Where(root => !tokenizer.Encode(root.GetProperty("text").GetString()!).SequenceEqual(Ids(root))).ToList();
            if (wrong.Count > 0)
            {
                string text = wrong[0].GetProperty("text").GetString()!;
                failures.Add($"{rule.Key}: {wrong.Count} of {rule.Count()} differ, {JsonSerializer.Serialize(text)}\n"
                    + $"  expected {Pieces(tokenizer, Ids(wrong[0]))}\n  found    {Pieces(tokenizer, tokenizer.Encode(text))}");
            }
        }

        output.WriteLine($"{rules.Count - failures.Count} of {rules.Count} rules equal");
        Assert.Equal(Rules, rules.Count);
        Assert.True(failures.Count == 0, $"{failures.Count} rules differ\n" + string.Join('\n', failures));
    }

    private static int[] Ids(JsonElement root) => [.. root.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

    private static string Pieces(ITokenizer tokenizer, int[] ids) => string.Join('|', ids.Take(40).Select(id => tokenizer.Decode([id])));
}
