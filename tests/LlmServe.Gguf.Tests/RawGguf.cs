using System.Buffers.Binary;
using System.Text;

namespace LlmServe.Gguf.Tests;

/// <summary>Writes the fields of a GGUF file one by one, right or wrong, for files that the writer refuses to write.</summary>
internal sealed class RawGguf
{
    private readonly List<byte> _bytes = [];

    public static RawGguf Header(ulong tensors, ulong keys, uint version = 3) =>
        new RawGguf().Ascii("GGUF").U32(version).U64(tensors).U64(keys);

    public RawGguf Ascii(string text) => Bytes(Encoding.ASCII.GetBytes(text));

    public RawGguf Bytes(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public RawGguf U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public RawGguf U64(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public RawGguf Text(string text) => U64((ulong)text.Length).Ascii(text);

    /// <summary>A key and its type; the value follows.</summary>
    public RawGguf Key(string key, GgufValueType type) => Text(key).U32((uint)type);

    public RawGguf Tensor(string name, GgmlType type, ulong offset, params ulong[] dimensions)
    {
        Text(name).U32((uint)dimensions.Length);
        Array.ForEach(dimensions, dimension => U64(dimension));
        return U32((uint)type).U64(offset);
    }

    /// <summary>Pads to the alignment, then adds that many bytes of tensor data.</summary>
    public RawGguf Data(int bytes, int alignment = 32)
    {
        while (_bytes.Count % alignment != 0)
        {
            _bytes.Add(0);
        }

        return Bytes(new byte[bytes]);
    }

    public byte[] Build() => [.. _bytes];
}
