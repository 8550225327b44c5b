namespace LlmServe.Text.Tests.Tokenization;

/// <summary>A megabyte of anything is encoded in about n·log n steps: with quadratic steps this class would run for hours.</summary>
public sealed class LongInputTests
{
    private const int Length = 1_000_000;

    public static TheoryData<string> Names => Vocabularies.Names;

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Encode_MegabyteOfOneThing_Finishes(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var ids = new List<int>();
        foreach (string unit in new[] { "a", " ", "🙂", "7", "\n", "'", "<", "Aª", "ab", "\u0301", "世" })
        {
            ids.Clear();
            tokenizer.Encode(string.Concat(Enumerable.Repeat(unit, Length / unit.Length)), addSpecial: false, parseSpecial: true, ids);
            Assert.True(ids.Count <= 4 * Length);
        }

        Assert.NotEmpty(ids);
    }
}
