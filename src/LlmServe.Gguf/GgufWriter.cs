using System.Buffers.Binary;
using System.Text;
using LlmServe.Gguf.Formats;
using LlmServe.Gguf.Internal;

namespace LlmServe.Gguf;

/// <summary>
/// Writes a GGUF file, version 3: collect metadata and tensors, then <see cref="Save"/> or <see cref="WriteTo"/>. What it writes, <see cref="GgufFile"/>
/// reads; what that would refuse is refused here, when it is added.
/// </summary>
public sealed class GgufWriter
{
    private const uint FormatVersion = 3;

    private readonly int _alignment;
    private readonly List<KeyValuePair<string, GgufValue>> _metadata = [];
    private readonly List<Planned> _tensors = [];
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>An empty file.</summary>
    /// <param name="alignment">Tensor data starts at multiples of this: a power of two from 8 to 2^20. Other than 32, it is recorded in the metadata.</param>
    public GgufWriter(int alignment = GgufHeader.DefaultAlignment)
    {
        if (!GgufHeader.IsAlignment(alignment))
        {
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, GgufHeader.AllowedAlignments);
        }

        _alignment = alignment;
        if (alignment != GgufHeader.DefaultAlignment)
        {
            Add(GgufHeader.AlignmentKey, GgufValue.Of((uint)alignment));
        }
    }

    private sealed record Planned(string Name, BlockFormat Format, long[] Dimensions, long Bytes, Action<Stream> Write);

    /// <summary>Adds a metadata value.</summary>
    /// <returns>The writer.</returns>
    /// <exception cref="ArgumentException">The key is empty, too long or there already, or sets another alignment than the constructor did.</exception>
    public GgufWriter Add(string key, GgufValue value)
    {
        RequireName(key, GgufHeader.MaxKeyBytes, _keys, nameof(key));
        if (key == GgufHeader.AlignmentKey && !(value.TryGetInt64(out long alignment) && alignment == _alignment))
        {
            throw new ArgumentException($"{key} {value}: the constructor set {_alignment}.", nameof(value));
        }

        _keys.Add(key);
        _metadata.Add(new(key, value));
        return this;
    }

    /// <summary>Adds a tensor whose data is at hand.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dimensions">One to four sizes in GGUF order: columns first.</param>
    /// <param name="data">Its bytes, as many as type and dimensions ask for. Kept, not copied.</param>
    /// <returns>The writer.</returns>
    /// <exception cref="ArgumentException">Name, dimensions or the data's length are not allowed.</exception>
    public GgufWriter AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions, ReadOnlyMemory<byte> data)
    {
        var planned = Plan(name, type, dimensions, stream => stream.Write(data.Span));
        if (planned.Bytes != data.Length)
        {
            throw new ArgumentException($"Tensor {name} has {data.Length} bytes of data; {planned.Bytes} are needed.", nameof(data));
        }

        Accept(planned);
        return this;
    }

    /// <summary>Adds a tensor whose data is written when the file is, for models that do not fit in memory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dimensions">One to four sizes in GGUF order: columns first.</param>
    /// <param name="write">Writes exactly the bytes that type and dimensions ask for.</param>
    /// <returns>The writer.</returns>
    /// <exception cref="ArgumentException">Name or dimensions are not allowed.</exception>
    public GgufWriter AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions, Action<Stream> write)
    {
        Accept(Plan(name, type, dimensions, write));
        return this;
    }

    /// <summary>Writes the file, replacing one of that name.</summary>
    public void Save(string path)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        WriteTo(stream);
    }

    /// <summary>Writes the file to a stream, from its position on.</summary>
    /// <exception cref="InvalidOperationException">A tensor's callback wrote another number of bytes than its tensor has.</exception>
    public void WriteTo(Stream stream)
    {
        var counting = new CountingStream(stream);
        counting.Write("GGUF"u8);
        WriteUInt32(counting, FormatVersion);
        WriteUInt64(counting, (ulong)_tensors.Count);
        WriteUInt64(counting, (ulong)_metadata.Count);
        foreach (var (key, value) in _metadata)
        {
            WriteBytes(counting, Encoding.UTF8.GetBytes(key));
            WriteUInt32(counting, (uint)value.Type);
            WriteValue(counting, value);
        }

        WriteTable(counting);
        foreach (var tensor in _tensors)
        {
            Pad(counting);
            long start = counting.Count;
            tensor.Write(counting);
            if (counting.Count - start != tensor.Bytes)
            {
                throw new InvalidOperationException($"Tensor {tensor.Name}: {counting.Count - start} bytes were written; {tensor.Bytes} are needed.");
            }
        }

        Pad(counting);
        counting.Flush();
    }

    private void WriteTable(Stream stream)
    {
        long offset = 0;
        foreach (var tensor in _tensors)
        {
            WriteBytes(stream, Encoding.UTF8.GetBytes(tensor.Name));
            WriteUInt32(stream, (uint)tensor.Dimensions.Length);
            foreach (long dimension in tensor.Dimensions)
            {
                WriteUInt64(stream, (ulong)dimension);
            }

            WriteUInt32(stream, (uint)tensor.Format.Type);
            WriteUInt64(stream, (ulong)offset);
            offset = checked(offset + tensor.Bytes + _alignment - 1) & -_alignment;
        }
    }

    private void Pad(CountingStream stream)
    {
        long padding = -stream.Count & (_alignment - 1);
        stream.Write(new byte[padding]);
    }

    private Planned Plan(string name, GgmlType type, ReadOnlySpan<long> dimensions, Action<Stream> write)
    {
        RequireName(name, GgufHeader.MaxTensorNameBytes, _names, nameof(name));
        var format = BlockFormat.Get(type);
        if (dimensions.Length is < 1 or > 4 || dimensions.ContainsAnyExceptInRange(1, long.MaxValue) || dimensions[0] % format.BlockSize != 0)
        {
            throw new ArgumentException(
                $"Tensor {name} has dimensions [{string.Join(", ", dimensions.ToArray())}]; allowed are 1 to 4 of 1 or more, "
                + $"the first a multiple of {format.BlockSize} for {format.Name}.",
                nameof(dimensions));
        }

        var elements = UInt128.One;
        foreach (long dimension in dimensions)
        {
            elements *= (UInt128)dimension;
            if (elements > GgufHeader.MaxElements)
            {
                throw new ArgumentException($"Tensor {name} has more than {GgufHeader.MaxElements} elements.", nameof(dimensions));
            }
        }

        return new Planned(name, format, dimensions.ToArray(), format.BytesOf((long)elements), write);
    }

    private void Accept(Planned tensor)
    {
        _names.Add(tensor.Name);
        _tensors.Add(tensor);
    }

    private static void RequireName(string name, int mostBytes, HashSet<string> taken, string parameter)
    {
        int bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes < 1 || bytes > mostBytes || !IsWellFormed(name) || taken.Contains(name))
        {
            throw new ArgumentException($"{GgufException.Quote(name)}: a name must be new, well-formed Unicode and take 1 to {mostBytes} bytes of UTF-8.", parameter);
        }
    }

    /// <summary>False where lone surrogates would turn into replacement characters.</summary>
    private static bool IsWellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;

    private static void WriteValue(Stream stream, GgufValue value)
    {
        var (bits, payload) = value.Stored;
        if (value.IsArray)
        {
            WriteUInt32(stream, (uint)value.ElementType);
            WriteUInt64(stream, (ulong)value.Count);
        }

        switch (payload)
        {
            case byte[] text when !value.IsArray:
                WriteBytes(stream, text);
                break;
            case byte[] raw:
                stream.Write(raw);
                break;
            case GgufStringArray strings:
                stream.Write(strings.Region);
                break;
            case GgufValue[] nested:
                Array.ForEach(nested, item => WriteValue(stream, item));
                break;
            default:
                Span<byte> wide = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(wide, bits);
                stream.Write(wide[..GgufValueTypes.SizeOf(value.Type)]);
                break;
        }
    }

    private static void WriteBytes(Stream stream, ReadOnlySpan<byte> bytes)
    {
        WriteUInt64(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteUInt32(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteUInt64(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
