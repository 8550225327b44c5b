using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace LlmServe.Server.Internal.Transport;

/// <summary>
/// Slows connections that open calls only to reset them. Each costs the server little, but a client can send a hundred thousand in a second, and everybody
/// else's calls stand behind them. A connection may reset some, and some more as long as its address has any left; beyond that no more is read from it
/// until there are, while answers go out and all other connections are read as ever.
/// </summary>
internal static class ResetBrake
{
    /// <summary>Resets that a connection may send at once.</summary>
    private const int Burst = 20;

    /// <summary>Resets that a connection may send each second.</summary>
    private const int PerSecond = 10;

    /// <summary>Runs a connection.</summary>
    public static Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true)
        {
            connection.Transport = new BrakedTransport(connection.Transport, connection.Features.Get<AddressConnections>()!);
        }

        return next(connection);
    }

    private sealed class BrakedTransport(IDuplexPipe inner, AddressConnections address) : IDuplexPipe
    {
        public PipeReader Input { get; } = new BrakedInput(inner.Input, address);

        public PipeWriter Output => inner.Output;
    }

    /// <summary>A connection's input, of which no more resets are given out than may be.</summary>
    private sealed class BrakedInput(PipeReader inner, AddressConnections address) : PipeReader
    {
        private const byte ResetFrame = 3;
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

        private readonly TokenBucket _own = new(Burst, PerSecond);
        private FrameScanner _scanner = new();
        private ReadOnlySequence<byte> _given;
        private long _scanned; // bytes from the start of what is unread that were scanned
        private bool _holdsReset; // the frame whose header was scanned last is a reset that may not be given out yet

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            while (_holdsReset && !TryTake())
            {
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }

            _holdsReset = false;
            var read = await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
            _given = Scan(read.Buffer);
            return new ReadResult(_given, read.IsCanceled, read.IsCompleted && _given.Length == read.Buffer.Length);
        }

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return false;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _scanned -= _given.Slice(0, consumed).Length;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        /// <summary>What may be given out: up to the header of a reset that has to wait.</summary>
        private ReadOnlySequence<byte> Scan(ReadOnlySequence<byte> buffer)
        {
            var bytes = new SequenceReader<byte>(buffer);
            bytes.Advance(_scanned);
            while (_scanner.TryNext(ref bytes, out byte type))
            {
                if (type == ResetFrame && !TryTake())
                {
                    _holdsReset = true;
                    break;
                }
            }

            _scanned = bytes.Consumed;
            return buffer.Slice(0, _scanned);
        }

        private bool TryTake() => _own.TryTake() || address.TryTakeReset();
    }
}
