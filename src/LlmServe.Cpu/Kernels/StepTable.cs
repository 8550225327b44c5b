using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>The entry point of every opcode over a set of row kernels, and what fills in its constants: a line for each.</summary>
internal static unsafe class StepTable<TRows> where TRows : struct, IRowKernels<TRows>
{
    private static readonly Dictionary<Opcode, (nint Entry, Binder? Binder)> Entries = [];

    static StepTable()
    {
        Add(Opcodes.Embed, &Steps<TRows>.Embed);
        Add(Opcodes.RopeTable, &Steps<TRows>.RopeTable, Steps<TRows>.BindRopeTable);
        Add(Opcodes.Norm, &Steps<TRows>.Norm, Steps<TRows>.BindNorm);
        Add(Opcodes.Copy, &Steps<TRows>.Copy);
        Add(Opcodes.Add, &Steps<TRows>.Add);
        Add(Opcodes.AddVector, &Steps<TRows>.AddVector);
        Add(Opcodes.Scale, &Steps<TRows>.Scale);
        Add(Opcodes.Activate, &Steps<TRows>.Activate, Steps<TRows>.BindActivation);
        Add(Opcodes.Gate, &Steps<TRows>.Activate, Steps<TRows>.BindActivation);
        Add(Opcodes.MatMul, &Steps<TRows>.MatMul);
        Add(Opcodes.MatMulAdd, &Steps<TRows>.MatMulAdd);
        Add(Opcodes.GatedMatMul, &Steps<TRows>.GatedMatMul, Steps<TRows>.BindActivation);
        Add(Opcodes.Rotate, &Steps<TRows>.Rotate, Steps<TRows>.BindRotate);
        Add(Opcodes.Store, &Steps<TRows>.Store, Steps<TRows>.BindStore);
        Add(Opcodes.Attention, &Steps<TRows>.Attention, Steps<TRows>.BindAttention);
        Add(Opcodes.JoinAttention, &Steps<TRows>.JoinAttention, Steps<TRows>.BindAttention);
    }

    /// <summary>All opcodes that have an entry.</summary>
    public static IEnumerable<Opcode> Known => Entries.Keys;

    /// <summary>The entry point of an opcode.</summary>
    public static delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode) => (delegate*<Step*, LaneState*, void>)Find(opcode).Entry;

    /// <summary>Fills in an opcode's constants.</summary>
    public static void Bind(ref Step step, in Instruction instruction, StepResources resources) => Find(instruction.Opcode).Binder?.Invoke(ref step, instruction, resources);

    private static void Add(Opcode opcode, delegate*<Step*, LaneState*, void> entry, Binder? binder = null) => Entries.Add(opcode, ((nint)entry, binder));

    private static (nint Entry, Binder? Binder) Find(Opcode opcode) =>
        Entries.TryGetValue(opcode, out var entry) ? entry : throw new ArgumentOutOfRangeException(nameof(opcode), opcode, "no kernel");
}
