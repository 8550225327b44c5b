namespace LlmServe.Compiler.Cost;

/// <summary>What a machine can do, measured with the kernels that will run; turns bytes, multiply-adds and rows into time.</summary>
public sealed record MachineProfile
{
    /// <summary>Bytes per second that all lanes together read, going again and again over as many bytes as a tick reads.</summary>
    public required double ReadBandwidth { get; init; }

    /// <summary>Seconds that a phase barrier takes when all lanes arrive together.</summary>
    public required double Barrier { get; init; }

    /// <summary>Seconds to start and end a tick.</summary>
    public required double TickOverhead { get; init; }

    /// <summary>Time of each kernel of the model.</summary>
    public required IReadOnlyDictionary<KernelKey, KernelTime> Kernels { get; init; }

    /// <summary>Whether a machine was measured.</summary>
    public bool IsMeasured { get; init; }

    /// <summary>A modest two-lane machine, for listings where nothing was measured.</summary>
    public static MachineProfile Nominal { get; } = new()
    {
        ReadBandwidth = 25e9, Barrier = 100e-9, TickOverhead = 1e-6, Kernels = new Dictionary<KernelKey, KernelTime>(),
    };

    /// <summary>Time of a kernel; a nominal one where it was not measured.</summary>
    public KernelTime TimeOf(KernelKey key) => Kernels.TryGetValue(key, out var time) ? time : key.Opcode.Nominal(key);
}
