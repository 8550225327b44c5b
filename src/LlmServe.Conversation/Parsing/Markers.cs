using System.Collections.Frozen;
using LlmServe.Text;

namespace LlmServe.Conversation.Parsing;

/// <summary>
/// How a model's vocabulary writes the marks of a format. A mark that is a control token counts only as that token, never spelled in ordinary ones: in the
/// text that parsers read it is one code unit of its own, a low surrogate without a high one, which no decoding of bytes can give. Any other mark is text.
/// </summary>
internal sealed class Markers
{
    private const char First = '\uDC00';
    private const int Most = 0x400;

    private readonly FrozenDictionary<string, char> _byName;
    private readonly FrozenDictionary<int, char> _byToken;
    private readonly string[] _names;

    /// <param name="tokenizer">The model's tokenizer; null where marks are text.</param>
    /// <param name="names">The marks.</param>
    public Markers(ITokenizer? tokenizer, IEnumerable<string> names)
    {
        var wanted = new HashSet<string>(names, StringComparer.Ordinal);
        var tokens = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (int id = 0; tokenizer is not null && id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.KindOf(id) == TokenKind.Control && tokenizer.PieceOf(id) is var piece && wanted.Contains(piece))
            {
                (tokens.TryGetValue(piece, out var known) ? known : tokens[piece] = []).Add(id);
            }
        }

        _names = [.. tokens.Keys.Order(StringComparer.Ordinal).Take(Most)];
        _byName = _names.Select((name, i) => KeyValuePair.Create(name, (char)(First + i))).ToFrozenDictionary(StringComparer.Ordinal);
        _byToken = _names.SelectMany(name => tokens[name].Select(id => KeyValuePair.Create(id, _byName[name]))).ToFrozenDictionary();
        Tokens = _names.ToFrozenDictionary(name => name, name => tokens[name][0], StringComparer.Ordinal);
    }

    /// <summary>Marks that are control tokens.</summary>
    public FrozenDictionary<string, int> Tokens { get; }

    /// <summary>A mark as parsers see it.</summary>
    public string Of(string name) => _byName.TryGetValue(name, out char sign) ? sign.ToString() : name;

    /// <summary>The sign of a token that is a mark.</summary>
    public bool TryGetSign(int token, out char sign) => _byToken.TryGetValue(token, out sign);

    /// <summary>Whether a mark, as parsers see it, is a control token.</summary>
    public static bool IsToken(string mark) => mark.Length == 1 && char.IsLowSurrogate(mark[0]);

    /// <summary>Text with the marks in it spelled out.</summary>
    public string Spelled(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange(First, (char)(First + Most - 1)))
        {
            return text.ToString();
        }

        var spelled = new System.Text.StringBuilder(text.Length + 32);
        for (int i = 0; i < text.Length; i++)
        {
            bool isSign = char.IsLowSurrogate(text[i]) && (i == 0 || !char.IsHighSurrogate(text[i - 1])) && text[i] - First < _names.Length;
            spelled.Append(isSign ? _names[text[i] - First] : text[i].ToString());
        }

        return spelled.ToString();
    }

    /// <summary>Text without marks that are control tokens.</summary>
    public static string Without(ReadOnlySpan<char> text)
    {
        var kept = new System.Text.StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsLowSurrogate(text[i]) || (i > 0 && char.IsHighSurrogate(text[i - 1])))
            {
                kept.Append(text[i]);
            }
        }

        return kept.ToString();
    }

    /// <summary>Which of some marks a text begins with; −1 for none.</summary>
    /// <param name="text">The text that has come.</param>
    /// <param name="marks">The marks; of two the first counts.</param>
    /// <param name="isPart">Whether all of the text may begin one.</param>
    public static int Match(ReadOnlySpan<char> text, string[] marks, out bool isPart)
    {
        isPart = false;
        for (int i = 0; i < marks.Length; i++)
        {
            bool isLonger = text.Length < marks[i].Length;
            if (!isLonger && text.StartsWith(marks[i], StringComparison.Ordinal))
            {
                return isPart ? -1 : i;
            }

            isPart |= isLonger && marks[i].AsSpan().StartsWith(text, StringComparison.Ordinal);
        }

        return -1;
    }

    /// <summary>Length of the first character: of a pair the second half is never looked at alone, since alone it would be a mark.</summary>
    public static int CharacterLength(ReadOnlySpan<char> text) => text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;

    /// <summary>Length of the longest end of a text that may begin a mark without being all of it.</summary>
    public static int PartLength(ReadOnlySpan<char> text, string mark)
    {
        for (int length = Math.Min(text.Length, mark.Length - 1); length > 0; length--)
        {
            if (mark.AsSpan().StartsWith(text[^length..], StringComparison.Ordinal))
            {
                return length;
            }
        }

        return 0;
    }
}
