using System.Text.Json;
using Xunit.Abstractions;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Ids equal to those of the reference implementations (see the test data's notes), for every vocabulary.</summary>
public sealed class GoldenTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> Cases => Vocabularies.Cases;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Encode_EveryGoldenCase_GivesTheGoldenIds(string name, int expectedCases)
    {
        var tokenizer = Vocabularies.Load(name);
        var failures = new List<string>();
        int cases = 0;
        foreach (var golden in Read(name))
        {
            cases++;
            int[] ids = tokenizer.Encode(golden.Text, golden.AddSpecial, golden.ParseSpecial);
            if (!ids.AsSpan().SequenceEqual(golden.Ids))
            {
                failures.Add($"{JsonSerializer.Serialize(golden.Text)} add={golden.AddSpecial} parse={golden.ParseSpecial}\n"
                    + $"  expected {string.Join(' ', golden.Ids)}\n  found    {string.Join(' ', ids)}");
            }
        }

        output.WriteLine($"{name}: {cases} cases, {cases - failures.Count} equal");
        Assert.Equal(expectedCases, cases);
        Assert.True(failures.Count == 0, $"{name}: {failures.Count} of {cases} differ\n" + string.Join('\n', failures.Take(10)));
    }

    /// <summary>The golden cases of a vocabulary.</summary>
    internal static IEnumerable<GoldenCase> Read(string name)
    {
        foreach (string line in File.ReadLines(Vocabularies.CasesOf(name)))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            yield return new GoldenCase(
                root.GetProperty("text").GetString()!,
                root.GetProperty("add_special").GetBoolean(),
                root.GetProperty("parse_special").GetBoolean(),
                [.. root.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())]);
        }
    }

    internal sealed record GoldenCase(string Text, bool AddSpecial, bool ParseSpecial, int[] Ids);
}
