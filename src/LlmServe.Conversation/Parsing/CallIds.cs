using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace LlmServe.Conversation.Parsing;

/// <summary>
/// Ids of calls: nine letters and digits, the form that the strictest templates ask for. They follow from the conversation, so that an answer that is asked for
/// again has them again, and differ from turn to turn, since each turn's prompt does.
/// </summary>
/// <param name="seed">A digest of the prompt.</param>
internal sealed class CallIds(ulong seed)
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Letters and digits of an id.</summary>
    public const int Length = 9;

    /// <summary>The id of a call by its index.</summary>
    public string Next(int index) => Write(Mix(seed + ((ulong)index * 0x9E3779B97F4A7C15)));

    /// <summary>An id of nine letters and digits in the place of another: the same for the same.</summary>
    public static string Short(string id) => Write(BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(id))));

    private static string Write(ulong value) => string.Create(Length, value, static (text, rest) =>
    {
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = Alphabet[(int)(rest % (ulong)Alphabet.Length)];
            rest /= (ulong)Alphabet.Length;
        }
    });

    // The finisher of SplitMix64 (Steele, Lea, Flood 2014).
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
