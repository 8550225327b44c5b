using System.Buffers;
using System.Text;

namespace LlmServe.Text.Tokenization;

/// <summary>Text in the form of vocabularies that write a space as U+2581 (▁) and unknown bytes as <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c>.</summary>
internal static class EscapedText
{
    /// <summary>UTF-8 of U+2581.</summary>
    public static ReadOnlySpan<byte> Space => "▁"u8;

    /// <summary>Writes a text's UTF-8 with every space escaped.</summary>
    /// <returns>Bytes written; at most three for each UTF-16 code unit.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<byte> destination)
    {
        int length = 0;
        while (!text.IsEmpty)
        {
            int space = text.IndexOf(' ');
            int plain = space < 0 ? text.Length : space;
            length += Encoding.UTF8.GetBytes(text[..plain], destination[length..]);
            text = text[plain..];
            if (space >= 0)
            {
                Space.CopyTo(destination[length..]);
                length += Space.Length;
                text = text[1..];
            }
        }

        return length;
    }

    /// <summary>Makes every character of well-formed UTF-8 a symbol, with its token where it is one.</summary>
    /// <returns>The number of symbols.</returns>
    public static int SplitCharacters(EncodeBuffers buffers, int start, int end, TokenTable table)
    {
        buffers.ReserveSymbols(end - start);
        int count = 0;
        for (int at = start; at < end; count++)
        {
            int length = LengthOf(buffers.Utf8[at]);
            buffers.Starts[count] = at;
            buffers.Ids[count] = table.Find(buffers.Utf8.AsSpan(at, length));
            at += length;
        }

        buffers.Starts[count] = end;
        return count;
    }

    /// <summary>[256] The tokens that stand for single bytes, −1 where there is none.</summary>
    public static int[] ByteTokens(TokenTable table)
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++)
        {
            ids[value] = table.Find(Encoding.ASCII.GetBytes($"<0x{value:X2}>"));
        }

        return ids;
    }

    /// <summary>Appends the symbols' tokens. A symbol without one becomes its bytes' tokens, or the unknown token once where those are missing too.</summary>
    public static void Append(EncodeBuffers buffers, int count, int[] byteTokens, int? unknown, List<int> ids)
    {
        for (int i = 0; i < count; i++)
        {
            if (buffers.Ids[i] >= 0)
            {
                ids.Add(buffers.Ids[i]);
                continue;
            }

            var bytes = buffers.Utf8.AsSpan(buffers.Starts[i], buffers.Starts[i + 1] - buffers.Starts[i]);
            bool complete = true;
            foreach (byte value in bytes)
            {
                complete &= byteTokens[value] >= 0;
            }

            if (!complete && unknown is int id)
            {
                ids.Add(id);
                continue;
            }

            foreach (byte value in bytes)
            {
                if (byteTokens[value] >= 0)
                {
                    ids.Add(byteTokens[value]);
                }
            }
        }
    }

    /// <summary>The tokens as their vocabulary spells them, for finding them in escaped text.</summary>
    public static TokenBytes Spelled(Vocabulary vocabulary) => TokenBytes.Build(vocabulary.Count, (id, output) => output.Write(vocabulary.PieceBytes(id)));

    /// <summary>What the tokens stand for in text: spaces unescaped, byte tokens as their byte, special tokens as they are named.</summary>
    /// <exception cref="Gguf.GgufException">A byte token does not name a byte.</exception>
    public static TokenBytes Unescaped(Vocabulary vocabulary) => TokenBytes.Build(vocabulary.Count, (id, output) =>
    {
        var piece = vocabulary.PieceBytes(id);
        switch (vocabulary.Kinds[id])
        {
            case TokenKind.Byte:
                output.Write([ByteOf(vocabulary, id)]);
                break;
            case TokenKind.Normal:
                WriteUnescaped(piece, output);
                break;
            default:
                output.Write(piece);
                break;
        }
    });

    private static void WriteUnescaped(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        for (int space; (space = piece.IndexOf(Space)) >= 0; piece = piece[(space + Space.Length)..])
        {
            output.Write(piece[..space]);
            output.Write(" "u8);
        }

        output.Write(piece);
    }

    private static byte ByteOf(Vocabulary vocabulary, int id)
    {
        string piece = vocabulary.Piece(id);
        bool named = piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>';
        return named && byte.TryParse(piece.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte value)
            ? value
            : throw TokenizerErrors.At(Vocabulary.TokensKey, $"{TokenizerErrors.Quote(piece)} as byte token {id}", "<0x00> to <0xFF> for tokens of type 6");
    }

    private static int LengthOf(byte lead) => lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}
