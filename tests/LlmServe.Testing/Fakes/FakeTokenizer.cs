using System.Text;
using LlmServe.Text;

namespace LlmServe.Testing.Fakes;

/// <summary>
/// Every byte is a token, a few words are tokens of their own, and there are four control tokens. Encoding takes the longest piece that fits,
/// so tokens of one to several characters, and characters of several tokens, both occur.
/// </summary>
public sealed class FakeTokenizer : ITokenizer
{
    /// <summary>Number of ids.</summary>
    public const int Size = 320;

    public const int Bos = 256;
    public const int Eos = 257;
    public const int ImStart = 258;
    public const int ImEnd = 259;
    private const int FirstWord = 260;
    private static readonly string[] Control = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"];

    private static readonly string[] Words =
    [
        " the", " and", " of", " to", " a", "in", "ing", "er", "th", " is", " sky", " blue", "Hello", ", ", ". ", "world", "user", "assistant",
        "system", " you", " are", " I", "ab", "abc", "stop", "STOP", "##", "\n\n", " world", "!", "é", "日", "本", "語", "😀", "ß",
        " one", " two", " three", " four", " five", " six", " seven", " eight", " nine", " ten", "on", "an", "he", "re", "st", "en", "or", "te",
        "es", "at", "it", "is", "ar", "nd",
    ];

    private readonly byte[][] _bytes;
    private readonly Dictionary<string, int> _words;

    public FakeTokenizer()
    {
        _bytes = new byte[Size][];
        for (int i = 0; i < 256; i++)
        {
            _bytes[i] = [(byte)i];
        }

        for (int i = 0; i < Control.Length; i++)
        {
            _bytes[Bos + i] = Encoding.UTF8.GetBytes(Control[i]);
        }

        _words = [];
        for (int i = FirstWord; i < Size; i++)
        {
            string word = Words[i - FirstWord];
            _bytes[i] = Encoding.UTF8.GetBytes(word);
            _words.Add(word, i);
        }
    }

    public int VocabularySize => Size;

    public int? BosId => Bos;

    public int? EosId => Eos;

    public IReadOnlySet<int> EndOfGenerationIds { get; } = new HashSet<int> { Eos, ImEnd };

    public bool StripsLeadingSpace => false;

    public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default)
    {
        if (addSpecial)
        {
            ids.Add(Bos);
        }

        int at = 0;
        while (at < text.Length)
        {
            int literalAt = literal.FirstOrDefault(span => span.End > at, new TextSpan(text.Length, 0)).Start;
            var own = text.AsSpan(at, Math.Max(0, literalAt - at));
            at += TryControl(own, ids, out int length) ? length : EncodeOne(text, at, ids);
        }
    }

    public ReadOnlySpan<byte> BytesOf(int id) => _bytes[id];

    public string PieceOf(int id) => id < 256 ? $"<0x{id:X2}>" : Encoding.UTF8.GetString(_bytes[id]);

    public TokenKind KindOf(int id) => id < 256 ? TokenKind.Byte : id < FirstWord ? TokenKind.Control : TokenKind.Normal;

    /// <summary>The ids of a text, without special tokens added; control tokens in it are parsed.</summary>
    public int[] Ids(string text)
    {
        var ids = new List<int>();
        Encode(text, addSpecial: false, [], ids);
        return [.. ids];
    }

    private static bool TryControl(ReadOnlySpan<char> text, List<int> ids, out int length)
    {
        for (int i = 0; i < Control.Length; i++)
        {
            if (text.StartsWith(Control[i], StringComparison.Ordinal))
            {
                ids.Add(Bos + i);
                length = Control[i].Length;
                return true;
            }
        }

        length = 0;
        return false;
    }

    private int EncodeOne(string text, int at, List<int> ids)
    {
        for (int length = Math.Min(9, text.Length - at); length > 0; length--)
        {
            if (_words.TryGetValue(text.Substring(at, length), out int id))
            {
                ids.Add(id);
                return length;
            }
        }

        int characters = char.IsSurrogatePair(text, at) ? 2 : 1;
        foreach (byte value in Encoding.UTF8.GetBytes(text.Substring(at, characters)))
        {
            ids.Add(value);
        }

        return characters;
    }
}
