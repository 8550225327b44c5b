using LlmServe.Cpu.Kernels.Simd;

namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>
/// The operations with which <see cref="Simd.Codes.ICodePlanes.LoadPair"/> takes codes apart, recorded instead of done: so a format's layout is written down
/// once, for the intrinsics and for this.
/// </summary>
internal unsafe struct CodeRecorder : ICodeSimd<VectorValue>
{
    [ThreadStatic]
    private static Target? _target;

    private sealed record Target(Assembler Assembler, VectorCode Code, Gpr Base);

    /// <summary>Records what <paramref name="load"/> does; addresses in it are displacements from a register.</summary>
    public static void Record(Assembler assembler, VectorCode code, Gpr from, Action load)
    {
        _target = new Target(assembler, code, from);
        try
        {
            load();
        }
        finally
        {
            _target = null;
        }
    }

    public static VectorValue Load(void* source) => Now.Code.Load(Evex.Load, new MemoryOperand(Now.Base, (int)(nint)source, 64));

    public static VectorValue Set(int value) => Now.Code.Load(Evex.Broadcast, Constant(BitConverter.GetBytes(value)));

    public static VectorValue And(VectorValue a, VectorValue b) => Now.Code.Combine(Evex.And, a, b);

    private static VectorValue Or(VectorValue a, VectorValue b) => Now.Code.Combine(Evex.Or, a, b);

    public static VectorValue Field(VectorValue bytes, int left, VectorValue mask)
    {
        var shifted = left switch
        {
            > 0 => Now.Code.Shift(Evex.ShiftLeft16, bytes, (byte)left),
            < 0 => Now.Code.Shift(Evex.ShiftRight16, bytes, (byte)-left),
            _ => bytes,
        };
        return And(shifted, mask);
    }

    public static VectorValue WithField(VectorValue codes, VectorValue bytes, int left, VectorValue mask) => Or(codes, Field(bytes, left, mask));

    public static VectorValue Lookup(VectorValue table, VectorValue index) => Now.Code.Combine(Evex.ShuffleBytes, table, index);

    /// <summary>The table is read now and becomes a constant.</summary>
    public static VectorValue Repeat128(void* source) => Now.Code.Load(Evex.BroadcastQuarter, Constant(new ReadOnlySpan<byte>(source, 16)));

    private static Target Now => _target ?? throw new InvalidOperationException("nothing is being recorded");

    private static MemoryOperand Constant(ReadOnlySpan<byte> bytes) => new(Gpr.Constant, Now.Assembler.Constant(bytes), bytes.Length);
}
