using System.Buffers;

namespace LlmServe.Engine.Memory.Store;

/// <summary>A node with its parts, in memory that goes back to a pool.</summary>
internal sealed class StoredNode : IDisposable
{
    private readonly int _bytes;
    private byte[]? _buffer;

    /// <param name="header">What it is.</param>
    /// <param name="bytes">Bytes of its parts.</param>
    public StoredNode(NodeHeader header, int bytes)
    {
        Header = header;
        _bytes = bytes;
        _buffer = ArrayPool<byte>.Shared.Rent(bytes);
    }

    /// <summary>What it is.</summary>
    public NodeHeader Header { get; }

    /// <summary>The groups' blocks one after the other, then the state.</summary>
    public Span<byte> Payload => _buffer.AsSpan(0, _bytes);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
