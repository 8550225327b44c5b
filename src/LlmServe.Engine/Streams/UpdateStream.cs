using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Threading.Channels;

namespace LlmServe.Engine.Streams;

/// <summary>
/// The way from the engine's thread to one client: a bounded channel, and the reader side of it. The engine never waits: it leaves a sequence out of
/// the next tick while <see cref="IsFull"/>, and this reader wakes the engine when the client reads again. A client that is far
/// behind gets all it has not read as one update, so that it has fewer messages to take.
/// </summary>
internal sealed class UpdateStream : ChannelReader<GenerationUpdate>
{
    private readonly Channel<GenerationUpdate> _channel;
    private readonly int _capacity;
    private readonly Action _wake;
    private volatile bool _engineWaits;

    /// <param name="capacity">Updates that may wait for the client while its sequence still runs.</param>
    /// <param name="wake">Wakes the engine's thread.</param>
    public UpdateStream(int capacity, Action wake)
    {
        // One more than the bound, so that the last update (cancelled, aborted) always has a place.
        _channel = Channel.CreateBounded<GenerationUpdate>(new BoundedChannelOptions(capacity + 1) { SingleWriter = true });
        _capacity = capacity;
        _wake = wake;
    }

    public override Task Completion => _channel.Reader.Completion;

    public override bool CanCount => true;

    public override bool CanPeek => true;

    public override int Count => _channel.Reader.Count;

    /// <summary>Engine side: whether the client has so much unread that its sequence must pause. If so, the next read wakes the engine.</summary>
    public bool IsFull()
    {
        if (Count < _capacity)
        {
            _engineWaits = false;
            return false;
        }

        // Announce first, then look again: a read in between is either seen here or sees the announcement.
        _engineWaits = true;
        Interlocked.MemoryBarrier();
        return Count >= _capacity;
    }

    /// <summary>Engine side: adds an update. The caller has checked <see cref="IsFull"/> before the tick.</summary>
    public void Write(GenerationUpdate update)
    {
        if (!_channel.Writer.TryWrite(update))
        {
            throw new InvalidOperationException("an update was written to a full or completed stream");
        }
    }

    /// <summary>Engine side: nothing follows.</summary>
    public void Complete(Exception? failure = null) => _channel.Writer.TryComplete(failure);

    public override bool TryRead([MaybeNullWhen(false)] out GenerationUpdate item)
    {
        bool isBehind = 2 * Count >= _capacity;
        if (!_channel.Reader.TryRead(out item))
        {
            return false;
        }

        if (isBehind && _channel.Reader.TryRead(out var next))
        {
            item = Merge(item, next);
        }

        Interlocked.MemoryBarrier();
        if (_engineWaits)
        {
            _wake();
        }

        return true;
    }

    public override bool TryPeek([MaybeNullWhen(false)] out GenerationUpdate item) => _channel.Reader.TryPeek(out item);

    public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
        _channel.Reader.WaitToReadAsync(cancellationToken);

    private GenerationUpdate Merge(GenerationUpdate first, GenerationUpdate next)
    {
        var text = new StringBuilder(first.Text);
        var tokens = new List<int>(first.Tokens);
        var reports = first.LogProbabilities is null ? null : new List<TokenLogProbability>(first.LogProbabilities);
        var last = first;
        do
        {
            text.Append(next.Text);
            tokens.AddRange(next.Tokens);
            if (next.LogProbabilities is not null)
            {
                (reports ??= []).AddRange(next.LogProbabilities);
            }

            last = next;
        }
        while (_channel.Reader.TryRead(out next!));
        return last with { Text = text.ToString(), Tokens = tokens, LogProbabilities = reports };
    }
}
