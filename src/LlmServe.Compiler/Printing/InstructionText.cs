using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Printing;

/// <summary>Instructions in words.</summary>
public static class InstructionText
{
    /// <summary>What an instruction does, with what: <c>MatMul blk.0.attn_q rows 0..288 ← attn_norm → q</c>.</summary>
    public static string Describe(StreamProgram program, Instruction i)
    {
        string input = i.Input < 0 ? "" : BufferName(program, i.Input);
        string output = BufferName(program, i.Output);
        string columns = $"columns {i.Begin}..{i.End}";
        return i.Opcode switch
        {
            Opcode.Embed => $"Embed {WeightName(program, i.Weight)} of {Rows(program, i)} → {output}",
            Opcode.RopeTable => $"RopeTable positions of {Rows(program, i)} → {output}",
            Opcode.Norm => $"Norm {WeightName(program, i.Weight)} of {Rows(program, i)} ← {input} → {output}",
            Opcode.MatMul => $"MatMul {WeightName(program, i.Weight)} {Range(i)} ← {input} → {output}",
            Opcode.MatMulAdd => $"MatMulAdd {WeightName(program, i.Weight)} {Range(i)} ← {input} → {output} (added)",
            Opcode.GatedMatMul => $"GatedMatMul {WeightName(program, i.Weight)}, {ShortWeightName(program, i.Weight2)} {Range(i)} ← {input} → {output}",
            Opcode.RotateQueries => $"RotateQueries {output} {columns} by {BufferName(program, i.Input2)}",
            Opcode.StoreKeys => $"StoreKeys {input} {columns}, rotated → {output}",
            Opcode.StoreValues => $"StoreValues {input} {columns} → {output}",
            Opcode.Attention => $"Attention {input} over {BufferName(program, i.Input2)}, {Rows(program, i)} → {output}",
            Opcode.JoinAttention => $"JoinAttention what was cut, {Rows(program, i)} → {output}",
            _ => $"{i.Opcode} {Range(i)} → {output}",
        };
    }

    /// <summary>One or two words for a drawing: <c>attn_q</c>, <c>norm</c>.</summary>
    public static string Label(StreamProgram program, Instruction i) => i.Opcode switch
    {
        Opcode.MatMul or Opcode.MatMulAdd => ShortWeightName(program, i.Weight),
        Opcode.GatedMatMul => "gate, up",
        Opcode.Norm => "norm",
        Opcode.Attention => "attention",
        Opcode.JoinAttention => "join",
        Opcode.RotateQueries => "rotate",
        Opcode.StoreKeys => "store k",
        Opcode.StoreValues => "store v",
        Opcode.RopeTable => "rope",
        _ => "embed",
    };

    /// <summary>The kind of a phase, by what takes its time: qkv, attention, attn_output, gate/up, ffn_down, logits, norm, embed.</summary>
    public static string PhaseKind(StreamProgram program, Phase phase)
    {
        var all = phase.Lanes.SelectMany(lane => lane).ToList();
        bool Has(Opcode opcode) => all.Any(i => i.Opcode == opcode);
        return Has(Opcode.Embed) ? "embed"
            : Has(Opcode.Attention) ? "attention"
            : Has(Opcode.JoinAttention) ? "attention join"
            : Has(Opcode.StoreKeys) || Has(Opcode.StoreValues) ? "qkv"
            : Has(Opcode.GatedMatMul) ? "gate/up"
            : Has(Opcode.MatMulAdd) ? ShortWeightName(program, all.First(i => i.Opcode == Opcode.MatMulAdd).Weight)
            : Has(Opcode.MatMul) ? (all.Any(i => i.Output == program.LogitsBuffer) ? "logits" : ShortWeightName(program, all.First(i => i.Opcode == Opcode.MatMul).Weight))
            : "norm";
    }

    private static string Range(Instruction i) => $"rows {i.Begin}..{i.End}";

    private static string Rows(StreamProgram program, Instruction i)
    {
        string rows = i.Selected ? "rows wanted" : "rows";
        string work = i.Opcode is Opcode.Attention or Opcode.JoinAttention ? "heads" : rows;
        return i.End - i.Begin == program.Lanes ? $"all {work}" : $"share {i.Begin + 1}/{program.Lanes} of {work}";
    }

    private static string BufferName(StreamProgram program, int buffer) => ProgramSection.ShortName(program.Buffers[buffer].Name);

    private static string ShortWeightName(StreamProgram program, int weight) => ProgramSection.ShortName(program.Weights[weight].Name);

    private static string WeightName(StreamProgram program, int weight)
    {
        string name = program.Weights[weight].Name;
        return name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
    }
}
