using System.Threading.Channels;

namespace LlmServe.Engine.Memory.Store;

/// <summary>
/// A prefix on its way from disk into a sequence's blocks: a task reads ahead a few nodes, the engine's thread takes them between ticks. Whoever has it disposes it.
/// </summary>
internal sealed class StoredPrefix : IDisposable
{
    private readonly Channel<StoredNode> _nodes;
    private readonly Func<int, StoredNode?> _read;
    private readonly CancellationTokenSource _stop = new();

    /// <param name="depth">Nodes that a sequence can start behind.</param>
    /// <param name="ahead">Nodes that are read ahead.</param>
    /// <param name="read">Reads a node; null: it cannot be read.</param>
    public StoredPrefix(int depth, int ahead, Func<int, StoredNode?> read)
    {
        _read = read;
        Depth = depth;
        _nodes = Channel.CreateBounded<StoredNode>(new BoundedChannelOptions(ahead) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>Nodes that a sequence can start behind; 0: nothing could be read.</summary>
    public int Depth { get; }

    /// <summary>Place of the next node to be taken.</summary>
    public int Next { get; private set; }

    /// <summary>Whether reading has begun.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Whether no node will come any more, although not all were taken: a file is damaged.</summary>
    public bool IsBroken => Next < Depth && _nodes.Reader.Completion.IsCompleted;

    /// <summary>Takes the next node, if it is there. The caller disposes it.</summary>
    public StoredNode? TryTake()
    {
        if (_nodes.Reader.TryRead(out var node))
        {
            Next++;
        }

        return node;
    }

    /// <summary>Begins to read, on a thread of the pool: until all are read, one cannot be read, or nobody wants them any more.</summary>
    /// <param name="first">Place of the first node that is wanted.</param>
    /// <param name="onRead">Called after each, and at the end.</param>
    public void Begin(int first, Action onRead)
    {
        HasBegun = true;
        Next = first;
        _ = Task.Run(() => ReadAsync(first, onRead));
    }

    private async Task ReadAsync(int first, Action onRead)
    {
        try
        {
            for (int i = first; i < Depth && _read(i) is { } node; i++)
            {
                if (!_stop.IsCancellationRequested && await _nodes.Writer.WaitToWriteAsync(_stop.Token).ConfigureAwait(false) && _nodes.Writer.TryWrite(node))
                {
                    onRead();
                    continue;
                }

                node.Dispose();
                break;
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody wants them; what is on its way is collected.
        }
        finally
        {
            _nodes.Writer.TryComplete();
            onRead();
        }
    }

    /// <summary>Stops reading and drops what was read.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        while (_nodes.Reader.TryRead(out var node))
        {
            node.Dispose();
        }
    }
}
