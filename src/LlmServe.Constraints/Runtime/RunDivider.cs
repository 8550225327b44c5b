using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using LlmServe.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>Divides bytes that are certain to come into tokens, as the model's tokenizer does, and remembers how. Thread-safe.</summary>
/// <param name="vocabulary">The vocabulary.</param>
internal sealed class RunDivider(ConstraintVocabulary vocabulary)
{
    private const int MostRemembered = 4096;

    private readonly ConcurrentDictionary<byte[], int[]> _known = new(new BytesComparer());

    /// <summary>The tokens.</summary>
    /// <param name="run">The bytes.</param>
    /// <param name="closed">Whether no byte can follow them. Otherwise the last token is left out, because it could go on.</param>
    public int[] Divide(ReadOnlySpan<byte> run, bool closed)
    {
        Span<byte> key = stackalloc byte[run.Length + 1];
        run.CopyTo(key);
        key[^1] = closed ? (byte)1 : (byte)0;
        if (_known.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out int[]? tokens))
        {
            return tokens;
        }

        tokens = [.. AsTokenizer(run) ?? ByLongest(run)];
        tokens = closed ? tokens : tokens[..^Math.Min(1, tokens.Length)];
        if (_known.Count < MostRemembered)
        {
            _known.TryAdd(key.ToArray(), tokens);
        }

        return tokens;
    }

    /// <summary>The tokenizer's own division, or null where its tokens do not stand for just these bytes.</summary>
    private List<int>? AsTokenizer(ReadOnlySpan<byte> run)
    {
        if (!Utf8.IsValid(run))
        {
            return null;
        }

        var tokens = new List<int>();
        vocabulary.Tokenizer.Encode(Encoding.UTF8.GetString(run), addSpecial: false, parseSpecial: false, tokens);
        int at = 0;
        foreach (int token in tokens)
        {
            var bytes = vocabulary.Tokenizer.BytesOf(token);
            if (!VocabularyTrie.IsText(vocabulary.Tokenizer, token) || !run[at..].StartsWith(bytes))
            {
                return null;
            }

            at += bytes.Length;
        }

        return at == run.Length ? tokens : null;
    }

    /// <summary>The longest token that fits, then the longest that fits behind it, and so on. Every byte is a token here, so it always goes on.</summary>
    private List<int> ByLongest(ReadOnlySpan<byte> run)
    {
        var tokens = new List<int>();
        var trie = vocabulary.Trie;
        for (int at = 0; at < run.Length;)
        {
            int node = VocabularyTrie.Root;
            int best = -1;
            int length = 0;
            for (int i = at; i < run.Length && (node = trie.Child(node, run[i])) >= 0; i++)
            {
                (best, length) = trie.Tokens[node] >= 0 ? (trie.Tokens[node], i + 1 - at) : (best, length);
            }

            tokens.Add(best);
            at += length;
        }

        return tokens;
    }

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] bytes) => GetHashCode(bytes.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
