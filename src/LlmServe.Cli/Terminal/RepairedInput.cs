using System.Text;

namespace LlmServe.Cli.Terminal;

/// <summary>Reads bytes that are no UTF-8 as U+FFFD, and remembers that there were some.</summary>
internal sealed class RepairedInput : DecoderFallback
{
    /// <summary>Whether any byte was replaced.</summary>
    public bool WasNeeded { get; private set; }

    /// <inheritdoc/>
    public override int MaxCharCount => 1;

    /// <inheritdoc/>
    public override DecoderFallbackBuffer CreateFallbackBuffer() => new Buffer(this);

    private sealed class Buffer(RepairedInput owner) : DecoderFallbackBuffer
    {
        private readonly DecoderFallbackBuffer _inner = new DecoderReplacementFallback("\uFFFD").CreateFallbackBuffer();

        public override int Remaining => _inner.Remaining;

        public override bool Fallback(byte[] bytesUnknown, int index)
        {
            owner.WasNeeded = true;
            return _inner.Fallback(bytesUnknown, index);
        }

        public override char GetNextChar() => _inner.GetNextChar();

        public override bool MovePrevious() => _inner.MovePrevious();

        public override void Reset() => _inner.Reset();
    }
}
