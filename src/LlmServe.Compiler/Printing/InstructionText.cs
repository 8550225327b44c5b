using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Printing;

/// <summary>Instructions in words: what their opcodes say of them.</summary>
public static class InstructionText
{
    /// <summary>What an instruction does, with what: <c>MatMul blk.0.attn_q rows 0..288 ← attn_norm → q</c>.</summary>
    public static string Describe(StreamProgram program, Instruction i) => i.Opcode.Describe(new InstructionNames(program), i);

    /// <summary>One or two words for a drawing: <c>attn_q</c>, <c>norm</c>.</summary>
    public static string Label(StreamProgram program, Instruction i) => i.Opcode.Label(new InstructionNames(program), i);

    /// <summary>The kind of a phase, by what says most of it: qkv, attention, attn_output, gate/up, ffn_down, logits, norm, embed.</summary>
    public static string PhaseKind(StreamProgram program, Phase phase)
    {
        var telling = phase.Lanes.SelectMany(lane => lane).MaxBy(i => i.Opcode.Weight);
        return telling.Opcode.PhaseKind(new InstructionNames(program), telling);
    }
}
