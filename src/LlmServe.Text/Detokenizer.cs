using System.Text;

namespace LlmServe.Text;

/// <summary>
/// Turns the ids of one sequence into text, as they come. Bytes that do not yet make a whole character are held back; bytes that never will become
/// U+FFFD, just as <see cref="Encoding.UTF8"/> does it. Whatever the ids, the texts given add up to the decoding of all of them at once. Not safe for
/// use by several threads.
/// </summary>
public sealed class Detokenizer
{
    private readonly ITokenizer _tokenizer;
    private readonly bool _showControl;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _chars = new char[64];
    private bool _stripSpace;

    /// <param name="tokenizer">Whose ids.</param>
    /// <param name="showControl">Whether control and unknown tokens appear by name; else they are passed over.</param>
    /// <param name="atStart">
    /// Whether the ids begin a text. Where they continue one, as an answer does its prompt, a leading space is kept even if the tokenizer adds such
    /// spaces (<see cref="ITokenizer.StripsLeadingSpace"/>).
    /// </param>
    public Detokenizer(ITokenizer tokenizer, bool showControl = false, bool atStart = true)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _showControl = showControl;
        _stripSpace = atStart && tokenizer.StripsLeadingSpace;
    }

    /// <summary>Takes one more id.</summary>
    /// <returns>The text that is now complete; often empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public string Append(int id)
    {
        var bytes = _tokenizer.BytesOf(id);
        if (_tokenizer.KindOf(id) is TokenKind.Control or TokenKind.Unknown)
        {
            return _showControl ? Decode(bytes, flush: false) : "";
        }

        if (_stripSpace && bytes.Length > 0)
        {
            _stripSpace = false;
            bytes = bytes[0] == (byte)' ' ? bytes[1..] : bytes;
        }

        return Decode(bytes, flush: false);
    }

    /// <summary>Ends the text: bytes still held back become U+FFFD.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // One byte gives at most one UTF-16 unit, and bytes held back at most one more replacement.
        if (_chars.Length < bytes.Length + 4)
        {
            _chars = new char[bytes.Length + 4];
        }

        int count = _decoder.GetChars(bytes, _chars, flush);
        return count == 0 ? "" : new string(_chars, 0, count);
    }
}
