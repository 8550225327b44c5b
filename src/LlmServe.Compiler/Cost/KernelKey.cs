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
/// <param name="Constants">Constants of the opcode that its time depends on.</param>
public readonly record struct KernelKey(
    Opcode Opcode, GgmlType? Weight, GgmlType? Weight2, int Columns, ActivationForms Output, int KernelFrom, object? Constants = null)
{
    /// <summary>The key of an instruction.</summary>
    public static KernelKey Of(StreamProgram program, in Instruction instruction)
    {
        var i = instruction.Opcode.Representative(instruction);
        var weight = i.Weight < 0 ? null : program.Weights[i.Weight];
        var second = i.Weight2 < 0 ? null : program.Weights[i.Weight2];
        int columns = weight?.Columns ?? (i.Opcode.Division == Division.Units ? 0 : program.Buffers[i.Output].Columns);
        return new KernelKey(i.Opcode, weight?.Type, second?.Type, columns, program.Buffers[i.Output].Forms, i.KernelFrom, i.Detail?.ForCost());
    }

    /// <summary>Whether the work is counted in multiply-adds.</summary>
    public bool IsMatrix => Opcode.IsMatrix;
}
