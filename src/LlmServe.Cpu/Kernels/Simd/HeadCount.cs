namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>How many heads a kernel handles together, as a constant for the JIT.</summary>
internal interface IHeadCount
{
    static abstract int Heads { get; }
}

internal readonly struct OneHead : IHeadCount
{
    public static int Heads => 1;
}

internal readonly struct TwoHeads : IHeadCount
{
    public static int Heads => 2;
}

internal readonly struct ThreeHeads : IHeadCount
{
    public static int Heads => 3;
}

internal readonly struct FourHeads : IHeadCount
{
    public static int Heads => 4;
}
