using System.Text;
using LlmServe.Text;
namespace LlmServe.Engine.Streams;
internal sealed class Detokenizer(ITokenizer tokenizer, bool special)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly char[] _chars = new char[1024];
    public string Append(int id) => !special && tokenizer.KindOf(id) == TokenKind.Control ? "" : Decode(tokenizer.BytesOf(id), false);
    public string Flush() => Decode([], true);
    private string Decode(ReadOnlySpan<byte> b, bool flush) => new(_chars, 0, _decoder.GetChars(b, _chars, flush));
}
