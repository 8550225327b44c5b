using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>An array outside the heap whose end is guarded: <see cref="Dispose"/> fails when something was written behind it.</summary>
internal sealed unsafe class GuardedBuffer : IDisposable
{
    private const int GuardBytes = 256;
    private const byte Guard = 0xa5;

    private readonly NativeBuffer _buffer;

    public GuardedBuffer(long bytes)
    {
        Length = bytes;
        _buffer = new NativeBuffer(bytes + GuardBytes);
        Filler.Fill(Guard);
    }

    public long Length { get; }

    public byte* Data => _buffer.Data;

    public float* Floats => (float*)_buffer.Data;

    private Span<byte> Filler => new(_buffer.Data + Length, GuardBytes);

    public void Dispose()
    {
        bool intact = !Filler.ContainsAnyExcept(Guard);
        _buffer.Dispose();
        Assert.True(intact, "something was written behind the end of a buffer");
    }
}
