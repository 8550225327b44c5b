using System.Text;
using LlmServe.Text;

namespace LlmServe.Conversation.Tests;

/// <summary>A small vocabulary for tests: every byte, some longer texts, and control tokens by name; the last of these ends an answer.</summary>
internal sealed class ByteTokenizer : ITokenizer
{
    public const string End = "<end>";

    private static readonly string[] Words = ["the", " and", "{\"", "\": ", "\"}", "},", "</", "tool", "name", "true", "null", "\n\n", "->", "é", "😀", "🐀"];

    private readonly List<byte[]> _bytes = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), .. Words.Select(Encoding.UTF8.GetBytes)];
    private readonly List<string> _pieces;
    private readonly int _firstControl;

    public ByteTokenizer(IEnumerable<string> controls)
    {
        _pieces = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. Words];
        _firstControl = _bytes.Count;
        foreach (string name in controls.Append(End).Distinct())
        {
            _pieces.Add(name);
            _bytes.Add(Encoding.UTF8.GetBytes(name));
        }

        EndOfGenerationIds = new HashSet<int> { VocabularySize - 1 };
    }

    public int VocabularySize => _bytes.Count;

    public int? BosId => null;

    public int? EosId => VocabularySize - 1;

    public IReadOnlySet<int> EndOfGenerationIds { get; }

    public bool StripsLeadingSpace => false;

    public int IdOf(string control) => _pieces.IndexOf(control, _firstControl) is >= 0 and var id ? id : throw new ArgumentException($"there is no {control}");

    public ReadOnlySpan<byte> BytesOf(int id) => _bytes[id];

    public string PieceOf(int id) => _pieces[id];

    public TokenKind KindOf(int id) => id < 256 ? TokenKind.Byte : id < _firstControl ? TokenKind.Normal : TokenKind.Control;

    /// <summary>Byte by byte, but for control tokens outside of literal stretches.</summary>
    public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default)
    {
        for (int at = 0; at < text.Length;)
        {
            int control = char.IsAsciiLetterOrDigit(text[at]) ? -1 : Enumerable.Range(_firstControl, VocabularySize - _firstControl).FirstOrDefault(
                id => string.CompareOrdinal(text, at, _pieces[id], 0, _pieces[id].Length) == 0
                    && !literal.Any(span => span.Start < at + _pieces[id].Length && span.End > at), -1);
            if (control >= 0)
            {
                ids.Add(control);
                at += _pieces[control].Length;
                continue;
            }

            int length = char.IsSurrogatePair(text, at) ? 2 : 1;
            ids.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, length)).Select(value => (int)value));
            at += length;
        }
    }
}
