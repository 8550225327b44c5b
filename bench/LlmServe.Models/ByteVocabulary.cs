using LlmServe.Gguf;

namespace LlmServe.Models;

/// <summary>
/// The smallest vocabulary of GPT-2's kind that tokenizes every text: a token per byte, a few merges, an end token, and unused tokens that fill it
/// up to the wanted size.
/// </summary>
internal static class ByteVocabulary
{
    private const int Normal = 1, Control = 3, Unused = 5;
    private const string End = "<|endoftext|>";

    // In the printable alphabet of byte-level vocabularies, where Ġ is the space.
    private static readonly string[] Merges = ["t h", "Ġ th", "h e", "Ġ a", "i n"];

    /// <summary>Tokens without padding.</summary>
    public static int LeastTokens => 256 + 1 + Merges.Length;

    /// <summary>Adds the keys <c>tokenizer.*</c>.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="count">Tokens, at least <see cref="LeastTokens"/>.</param>
    public static void AddTo(GgufWriter writer, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, LeastTokens);
        List<string> tokens = [.. Enumerable.Range(0, 256).Select(value => CharacterOf((byte)value).ToString()), End];
        tokens.AddRange(Merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)));
        int used = tokens.Count;
        tokens.AddRange(Enumerable.Range(0, count - used).Select(i => $"<unused{i}>"));
        int[] kinds = [.. Enumerable.Range(0, count).Select(id => id >= used ? Unused : id == 256 ? Control : Normal)];
        writer
            .Add("tokenizer.ggml.model", GgufValue.Of("gpt2"))
            .Add("tokenizer.ggml.pre", GgufValue.Of("gpt-2"))
            .Add("tokenizer.ggml.tokens", GgufValue.Of(tokens))
            .Add("tokenizer.ggml.token_type", GgufValue.Of(kinds))
            .Add("tokenizer.ggml.merges", GgufValue.Of(Merges))
            .Add("tokenizer.ggml.bos_token_id", GgufValue.Of(256u))
            .Add("tokenizer.ggml.eos_token_id", GgufValue.Of(256u))
            .Add("tokenizer.ggml.add_bos_token", GgufValue.Of(false));
    }

    /// <summary>The character that stands for a byte: itself where Latin-1 prints it, else the next one from U+0100 on.</summary>
    private static char CharacterOf(byte value)
    {
        return Prints(value) ? (char)value : (char)(0x100 + Enumerable.Range(0, value).Count(lower => !Prints(lower)));

        static bool Prints(int code) => code is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
    }
}
