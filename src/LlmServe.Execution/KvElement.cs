namespace LlmServe.Execution;

/// <summary>Element type of keys and values in the cache.</summary>
public enum KvElement
{
    F16,
    F32,

    /// <summary>8 bits per element, and an f16 scale for each run of <see cref="KvBlock.ScaledRun"/> elements.</summary>
    Q8_0,
}
