namespace LlmServe.Gguf.Internal;

/// <summary>Passes writes on and counts their bytes, so that streams without a position can be written to.</summary>
internal sealed class CountingStream(Stream inner) : Stream
{
    /// <summary>Bytes written so far.</summary>
    public long Count { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Count;

    public override long Position
    {
        get => Count;
        set => throw new NotSupportedException("This stream only moves forward.");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        Count += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is for writing.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("This stream only moves forward.");

    public override void SetLength(long value) => throw new NotSupportedException("This stream only moves forward.");
}
