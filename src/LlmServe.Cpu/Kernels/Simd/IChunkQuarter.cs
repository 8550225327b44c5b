using LlmServe.Cpu.Kernels.Simd.Codes;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>A quarter of a chunk, where a vector starts, as a type: kernels know it as a constant.</summary>
internal interface IChunkQuarter
{
    /// <summary>Bytes from the start of the chunk.</summary>
    static abstract int Offset { get; }
}

/// <summary>The first one.</summary>
internal struct FirstQuarter : IChunkQuarter
{
    public static int Offset => 0;
}

/// <summary>The second one.</summary>
internal struct SecondQuarter : IChunkQuarter
{
    public static int Offset => Planes.Chunk / 4;
}

/// <summary>The third one.</summary>
internal struct ThirdQuarter : IChunkQuarter
{
    public static int Offset => Planes.Chunk / 2;
}

/// <summary>The last one.</summary>
internal struct LastQuarter : IChunkQuarter
{
    public static int Offset => 3 * Planes.Chunk / 4;
}
