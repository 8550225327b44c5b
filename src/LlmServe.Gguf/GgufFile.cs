using System.Diagnostics.CodeAnalysis;
using LlmServe.Gguf.Internal;

namespace LlmServe.Gguf;

/// <summary>
/// A GGUF model (version 2 or 3, little endian), memory-mapped: weights are never copied. Opening checks every count, length, type and offset, so a
/// tensor that is listed can be read in full. Safe for concurrent readers; disposal must come last. A file must not be shortened while it is
/// read: the operating system then ends the process. Whoever reads for long copies first, as backends do.
/// </summary>
public sealed unsafe class GgufFile : IDisposable
{
    private readonly List<MappedPart> _parts;
    private readonly List<GgufTensor> _tensors = [];
    private readonly Dictionary<string, GgufTensor> _byName = new(StringComparer.Ordinal);
    private bool _disposed;

    private GgufFile(List<MappedPart> parts, List<GgufHeader> headers)
    {
        _parts = parts;
        Version = headers[0].Version;
        Metadata = headers[0].Metadata;
        Length = parts.Sum(part => part.Length);
        foreach (var tensor in headers.SelectMany(header => header.Tensors))
        {
            if (!_byName.TryAdd(tensor.Name, tensor))
            {
                throw new GgufException(parts[tensor.Part].Path, $"tensor {GgufException.Quote(tensor.Name)}", "a name that an earlier part has", "each name once");
            }

            _tensors.Add(tensor);
        }
    }

    /// <summary>The path as given; of the first part where the model is split.</summary>
    public string Path => _parts[0].Path;

    /// <summary>The paths of all parts, in order.</summary>
    public IReadOnlyList<string> PartPaths => [.. _parts.Select(part => part.Path)];

    /// <summary>Number of files: 1 unless the model is split.</summary>
    public int PartCount => _parts.Count;

    /// <summary>Version of the file format: 2 or 3.</summary>
    public uint Version { get; }

    /// <summary>Bytes of all parts.</summary>
    public long Length { get; }

    /// <summary>Metadata; of the first part where the model is split. Stays valid after disposal.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>All tensors, in file order, part after part.</summary>
    public IReadOnlyList<GgufTensor> Tensors => _tensors;

    /// <summary>Opens a model. Of a split one (<c>NAME-00001-of-0000N.gguf</c>) give the first part; the others are found beside it.</summary>
    /// <exception cref="GgufException">The file cannot be opened or is broken; the message says where, what was found and what is allowed.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Build(MappedPart.Open(path));
    }

    /// <summary>Opens a model that lies in memory, which the caller keeps alive and unchanged until disposal.</summary>
    internal static GgufFile FromMemory(byte* data, long length, string name) => Build(new MappedPart(name, data, length));

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <summary>Finds a tensor that must be there.</summary>
    /// <exception cref="GgufException">There is none of that name.</exception>
    public GgufTensor GetTensor(string name) => TryGetTensor(name, out var tensor)
        ? tensor
        : throw new GgufException(Path, $"tensor {GgufException.Quote(name)}", "nothing", $"a tensor of that name; the file has {_tensors.Count} others");

    /// <summary>Start of a tensor's data, <see cref="GgufTensor.ByteLength"/> bytes, aligned as the file says relative to a page; valid until disposal.</summary>
    /// <exception cref="ObjectDisposedException">The file has been disposed.</exception>
    public byte* DataOf(GgufTensor tensor)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequireOwn(tensor);
        return _parts[tensor.Part].Data + tensor.Offset;
    }

    /// <summary>A tensor's data as a span, for tensors below 2 GiB; valid until disposal.</summary>
    /// <exception cref="OverflowException">The tensor is larger; use <see cref="DataOf"/>.</exception>
    public ReadOnlySpan<byte> BytesOf(GgufTensor tensor) => new(DataOf(tensor), checked((int)tensor.ByteLength));

    /// <summary>Decodes row <paramref name="row"/> of a tensor to f32.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="row">0 … <see cref="GgufTensor.Rows"/> − 1.</param>
    /// <param name="destination">[columns]</param>
    /// <exception cref="GgufException">The tensor's type is known only by size.</exception>
    public void DecodeRow(GgufTensor tensor, long row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, tensor.Rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, tensor.Columns);
        fixed (float* target = destination)
        {
            tensor.Format.DecodeRow(DataOf(tensor) + row * tensor.RowBytes, target, tensor.Columns);
        }
    }

    /// <summary>
    /// Gives back the memory that reading the file has taken in this process. Pointers stay valid, and what is read again is fetched again: for whoever
    /// has read all of the file and will need little of it from now on.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The file has been disposed.</exception>
    public void ReleasePages()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _parts.ForEach(part => part.ReleasePages());
    }

    /// <summary>
    /// Demands that no part was changed, replaced or deleted since it was opened, as far as lengths and times of change tell: for whoever has read what
    /// must belong together.
    /// </summary>
    /// <exception cref="GgufException">A part was; the message names it.</exception>
    public void RequireUnchanged() => _parts.ForEach(part => part.RequireUnchanged());

    /// <summary>Unmaps the file; pointers into it become invalid.</summary>
    public void Dispose()
    {
        _disposed = true;
        _parts.ForEach(part => part.Dispose());
    }

    private static GgufFile Build(MappedPart first)
    {
        List<MappedPart> parts = [first];
        try
        {
            List<GgufHeader> headers = [GgufHeader.Parse(first.Data, first.Length, first.Path)];
            int count = SplitParts.CountOf(headers[0], first.Path);
            if (count > 1)
            {
                SplitParts.OpenOthers(count, parts, headers);
            }

            return new GgufFile(parts, headers);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    private void RequireOwn(GgufTensor tensor)
    {
        // A tensor of another file would point anywhere.
        if (!_byName.TryGetValue(tensor.Name, out var own) || !ReferenceEquals(own, tensor))
        {
            throw new ArgumentException($"Tensor {GgufException.Quote(tensor.Name)} belongs to another file than {Path}.", nameof(tensor));
        }
    }
}
