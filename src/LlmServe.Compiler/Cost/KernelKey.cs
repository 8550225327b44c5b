using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Cost;

/// <summary>What two instructions must have in common to cost the same per unit of work: a machine profile has one <see cref="KernelTime"/> for each.</summary>
/// <param name="Opcode">The entry point.</param>
/// <param name="Weight">Format of the weight, where there is one.</param>
/// <param name="Weight2">Format of the second weight, where there is one.</param>
/// <param name="Columns">Numbers per row that are read (matrices, norms) or written (embedding, cosines and sines); 0 where it does not matter.</param>
/// <param name="Output">Forms written.</param>
/// <param name="KernelFrom">Fewest rows for which the target takes the same matrix kernel; 0 for other opcodes.</param>
public readonly record struct KernelKey(Opcode Opcode, GgmlType? Weight, GgmlType? Weight2, int Columns, ActivationForms Output, int KernelFrom)
{
    /// <summary>The key of an instruction.</summary>
    public static KernelKey Of(StreamProgram program, in Instruction i)
    {
        var weight = i.Weight < 0 ? null : program.Weights[i.Weight];
        var second = i.Weight2 < 0 ? null : program.Weights[i.Weight2];
        int columns = weight?.Columns ?? (i.Opcode == Opcode.RopeTable ? program.Buffers[i.Output].Columns : 0);
        return new KernelKey(i.Opcode, weight?.Type, second?.Type, columns, program.Buffers[i.Output].Forms, i.KernelFrom);
    }

    /// <summary>Whether the work is counted in multiply-adds.</summary>
    public bool IsMatrix => Opcode is Opcode.MatMul or Opcode.MatMulAdd or Opcode.GatedMatMul;

    /// <summary>
    /// Units of work per row of an instruction: multiply-adds of a matrix, columns of a rotation or a store, heads of attention, 1 for what handles whole rows.
    /// </summary>
    public static double UnitsPerRow(in Instruction i, ModelShape shape) => i.Opcode switch
    {
        Opcode.MatMul or Opcode.MatMulAdd or Opcode.GatedMatMul => i.MultiplyAdds,
        Opcode.RotateQueries or Opcode.StoreKeys or Opcode.StoreValues => i.End - i.Begin,
        Opcode.Attention => shape.QueryHeads,
        _ => 1,
    };
}

/// <summary>Seconds per unit of work (<see cref="KernelKey.UnitsPerRow"/>) on one lane, operands in its caches.</summary>
/// <param name="First">For the first row of a tick, with everything that is done once per weight, such as unpacking.</param>
/// <param name="Next">For every further row.</param>
/// <param name="PerPosition">On top, for every position of context (attention alone).</param>
/// <param name="NextPerPosition">The same for rows that are consecutive positions; of attention, <paramref name="Next"/> is for these rows and <paramref name="First"/> for others.</param>
/// <param name="FirstFromMemory">As <paramref name="First"/> while all lanes read their weights from memory, which kernels overlap with work more or less well; 0 where unknown.</param>
public readonly record struct KernelTime(double First, double Next, double PerPosition = 0, double NextPerPosition = 0, double FirstFromMemory = 0)
{
    /// <summary>A plausible figure for a kernel that nobody measured.</summary>
    public static KernelTime Nominal(KernelKey key) => key.Opcode switch
    {
        Opcode.MatMul or Opcode.MatMulAdd or Opcode.GatedMatMul => new KernelTime(1 / 40e9, 1 / 60e9),
        Opcode.RotateQueries or Opcode.StoreKeys or Opcode.StoreValues => new KernelTime(1e-9, 1e-9),
        Opcode.Attention => new KernelTime(200e-9, 200e-9, 15e-9, 8e-9),
        Opcode.RopeTable => new KernelTime(key.Columns * 20e-9, key.Columns * 20e-9),
        _ => new KernelTime(key.Columns * 0.5e-9, key.Columns * 0.5e-9),
    };
}
