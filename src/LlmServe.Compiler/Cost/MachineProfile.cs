namespace LlmServe.Compiler.Cost;

/// <summary>What a machine can do, measured once at start-up; turns bytes and multiply-adds into time.</summary>
public sealed record MachineProfile
{
    /// <summary>Bytes per second that all lanes together read from memory.</summary>
    public required double ReadBandwidth { get; init; }

    /// <summary>Multiply-adds per second of one lane when a tick has many rows (8-bit codes).</summary>
    public required double LaneThroughput { get; init; }

    /// <summary>Seconds that a phase barrier takes.</summary>
    public required double Barrier { get; init; }

    /// <summary>A modest two-lane machine, for listings where nothing was measured.</summary>
    public static MachineProfile Nominal { get; } = new() { ReadBandwidth = 25e9, LaneThroughput = 60e9, Barrier = 100e-9 };
}
