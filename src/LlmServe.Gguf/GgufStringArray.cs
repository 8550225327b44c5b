using System.Buffers.Binary;
using System.Collections;
using System.Text;

namespace LlmServe.Gguf;

/// <summary>
/// An array of strings as one block of bytes, decoded when asked for: a vocabulary of 260,000 tokens opens without creating 260,000 objects.
/// Strings need not be valid UTF-8 (tokens often are not): <see cref="BytesOf"/> gives the bytes as stored, the indexer replaces what is invalid.
/// </summary>
public sealed class GgufStringArray : IReadOnlyList<string>
{
    private const int PrefixBytes = 8;

    // As in the file: each string is a 64-bit length followed by its bytes. Entry i has its bytes at [_starts[i], _starts[i + 1] - PrefixBytes).
    private readonly byte[] _region;
    private readonly int[] _starts;

    internal GgufStringArray(byte[] region, int[] starts)
    {
        _region = region;
        _starts = starts;
    }

    /// <summary>Strings in the array.</summary>
    public int Count => _starts.Length - 1;

    /// <summary>The string, with U+FFFD for bytes that are not UTF-8. Every call decodes anew.</summary>
    public string this[int index] => Encoding.UTF8.GetString(BytesOf(index));

    /// <summary>The bytes of a string, as stored.</summary>
    public ReadOnlySpan<byte> BytesOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _region.AsSpan(_starts[index], _starts[index + 1] - PrefixBytes - _starts[index]);
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The whole array as in a file, length prefixes included.</summary>
    internal ReadOnlySpan<byte> Region => _region;

    /// <summary>Packs strings given as bytes.</summary>
    internal static GgufStringArray FromBytes(IReadOnlyList<byte[]> items)
    {
        int[] starts = new int[items.Count + 1];
        starts[0] = PrefixBytes;
        for (int i = 0; i < items.Count; i++)
        {
            starts[i + 1] = checked(starts[i] + items[i].Length + PrefixBytes);
        }

        byte[] region = new byte[starts[^1] - PrefixBytes];
        for (int i = 0; i < items.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(region.AsSpan(starts[i] - PrefixBytes), items[i].Length);
            items[i].CopyTo(region, starts[i]);
        }

        return new GgufStringArray(region, starts);
    }
}
