using System.Text;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Texts come back from their ids, and no text breaks a tokenizer.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<string> Names => Vocabularies.Names;

    /// <summary>All but WordPiece, which drops case, accents and spaces.</summary>
    public static TheoryData<string> Reversible => new(Vocabularies.Cases.Select(row => (string)row[0]).Where(name => name != "bert-bge"));

    public static TheoryData<string> Lossless => Vocabularies.Lossless;

    [SkippableTheory]
    [MemberData(nameof(Reversible))]
    public void Decode_GoldenText_ComesBack(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        foreach (var golden in GoldenTests.Read(name).Where(golden => !golden.ParseSpecial && !golden.AddSpecial))
        {
            // In the families that write a space as U+2581, that character comes back as a space.
            string expected = name is "llama-spm" or "phi-3" or "gemma-4" ? golden.Text.Replace('▁', ' ') : golden.Text;
            Assert.Equal(expected, tokenizer.Decode(golden.Ids));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Encode_RandomText_GivesIdsOfTheVocabulary(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var random = new Random(20261123);
        var ids = new List<int>();
        for (int i = 0; i < 400; i++)
        {
            ids.Clear();
            tokenizer.Encode(RandomText(random, 60), addSpecial: i % 2 == 0, parseSpecial: i % 3 == 0, ids);
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Lossless))]
    public void Decode_RandomText_ComesBack(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var random = new Random(42);
        for (int i = 0; i < 400; i++)
        {
            string text = RandomText(random, 60);
            string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)); // unpaired surrogates are U+FFFD
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Encode_SeveralThreads_GiveTheSameIds(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var random = new Random(1);
        string[] texts = [.. Enumerable.Range(0, 64).Select(_ => RandomText(random, 200))];
        int[][] expected = [.. texts.Select(text => tokenizer.Encode(text))];
        Parallel.For(0, 512, i => Assert.Equal(expected[i % 64], tokenizer.Encode(texts[i % 64])));
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Encode_ShortTextOnAWarmThread_AllocatesNothing(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var ids = new List<int>(1024);
        const string Text = "The quick brown fox jumps over 13 lazy dogs, doesn't it? Größe, 你好 🙂\n\n  def f(x): return x\n";
        tokenizer.Encode(Text, addSpecial: true, parseSpecial: true, ids);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            ids.Clear();
            tokenizer.Encode(Text, addSpecial: true, parseSpecial: true, ids);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEmpty(ids);
    }

    /// <summary>Characters of all sorts, ASCII most of all, with unpaired surrogates and names of special tokens in between.</summary>
    internal static string RandomText(Random random, int longest)
    {
        var text = new StringBuilder();
        for (int length = random.Next(longest); text.Length < length;)
        {
            _ = random.Next(12) switch
            {
                0 => text.Append((char)random.Next(0x20)),
                1 => text.Append((char)random.Next(0x80, 0x800)),
                2 => text.Append((char)random.Next(0x800, 0x10000)),
                3 => text.Append(new Rune(random.Next(0x10000, 0x110000)).ToString()),
                4 => text.Append(' ', random.Next(1, 4)),
                5 => text.Append(random.Next(100000)),
                6 => text.Append("<s></s><|im_end|><|endoftext|><unk>[CLS]▁<0x0A>Ġ'll\r\n"[random.Next(20)..random.Next(20, 50)]),
                _ => text.Append((char)random.Next(0x20, 0x7F)),
            };
        }

        return text.ToString();
    }
}
