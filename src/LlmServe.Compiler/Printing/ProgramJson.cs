using System.Text.Json;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Printing;

/// <summary>Writes a compiled model as JSON: the same that <see cref="ProgramPrinter"/> prints, nothing folded unless asked. Times are in seconds.</summary>
public static class ProgramJson
{
    /// <summary>Writes the properties of an object that the caller has begun.</summary>
    public static void Write(Utf8JsonWriter writer, CompiledModel model, StreamProgram program, CostModel cost, PrintOptions options)
    {
        var info = model.Info;
        writer.WriteString("model", options.Source);
        writer.WriteString("architecture", info.Architecture);
        writer.WriteString("target", options.Target);
        writer.WriteString("program_id", info.ProgramId);
        writer.WriteString("activations", info.Activations.ToString().ToLowerInvariant());
        writer.WriteString("kv", info.Kv.ToString().ToLowerInvariant());
        writer.WriteNumber("lanes", program.Lanes);
        writer.WriteNumber("rows", program.Rows);
        writer.WriteNumber("arena_bytes", program.Memory.Bytes);
        writer.WriteNumber("kv_bytes_per_position", CostModel.KvBytesPerPosition(model));
        writer.WriteNumber("weight_bytes", program.WeightBytes);
        WriteMachine(writer, cost.Machine);
        WriteBuffers(writer, program);
        WritePhases(writer, program, cost, options);
        WriteBuckets(writer, model, cost, options.Load.Context);
    }

    private static void WriteMachine(Utf8JsonWriter writer, MachineProfile machine)
    {
        writer.WriteStartObject("machine");
        writer.WriteBoolean("measured", machine.IsMeasured);
        writer.WriteNumber("read_bytes_per_second", machine.ReadBandwidth);
        writer.WriteNumber("barrier", machine.Barrier);
        writer.WriteNumber("tick_overhead", machine.TickOverhead);
        writer.WriteStartArray("kernels");
        foreach (var (key, time) in machine.Kernels)
        {
            writer.WriteStartObject();
            writer.WriteString("opcode", key.Opcode.ToString());
            writer.WriteString("weight", key.Weight?.ToString());
            writer.WriteNumber("columns", key.Columns);
            writer.WriteNumber("from_rows", key.KernelFrom);
            writer.WriteNumber("first", time.First);
            writer.WriteNumber("first_from_memory", time.FirstFromMemory);
            writer.WriteNumber("next", time.Next);
            writer.WriteNumber("per_position", time.PerPosition);
            writer.WriteNumber("next_per_position", time.NextPerPosition);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteBuffers(Utf8JsonWriter writer, StreamProgram program)
    {
        writer.WriteStartArray("buffers");
        var lives = Liveness.Compute(program);
        foreach (var buffer in program.Buffers.Where(b => lives[b.Id].IsUsed))
        {
            writer.WriteStartObject();
            writer.WriteString("name", buffer.Name);
            writer.WriteString("place", buffer.Place.ToString().ToLowerInvariant());
            writer.WriteString("forms", buffer.Storage);
            writer.WriteNumber("columns", buffer.Columns);
            writer.WriteNumber("row_bytes", buffer.RowBytes);
            writer.WriteNumber("offset", program.Memory.Offsets[buffer.Id]);
            writer.WriteNumber("first_phase", lives[buffer.Id].First);
            writer.WriteNumber("last_phase", lives[buffer.Id].Last);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WritePhases(Utf8JsonWriter writer, StreamProgram program, CostModel cost, PrintOptions options)
    {
        writer.WriteStartArray("phases");
        foreach (var section in ProgramPrinter.Sections(program, options.Layer is null, options.Layer))
        {
            foreach (var phase in program.Phases.Skip(section.First).Take(section.Count))
            {
                writer.WriteStartObject();
                writer.WriteString("name", phase.Name);
                writer.WriteString("kind", InstructionText.PhaseKind(program, phase));
                writer.WriteNumber("layer", section.Layer);
                writer.WriteNumber("predicted", cost.Phase(program, phase, options.Load));
                writer.WriteStartArray("lanes");
                for (int lane = 0; lane < phase.Lanes.Count; lane++)
                {
                    writer.WriteStartArray();
                    foreach (var instruction in phase.Lanes[lane])
                    {
                        WriteInstruction(writer, program, instruction, cost.Instruction(program, instruction, options.Load));
                    }

                    writer.WriteEndArray();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteInstruction(Utf8JsonWriter writer, StreamProgram program, Instruction instruction, double seconds)
    {
        writer.WriteStartObject();
        writer.WriteString("opcode", instruction.Opcode.ToString());
        writer.WriteString("text", InstructionText.Describe(program, instruction));
        writer.WriteNumber("begin", instruction.Begin);
        writer.WriteNumber("end", instruction.End);
        writer.WriteNumber("bytes", instruction.Bytes);
        writer.WriteNumber("multiply_adds", instruction.MultiplyAdds);
        writer.WriteNumber("predicted", seconds);
        writer.WriteEndObject();
    }

    private static void WriteBuckets(Utf8JsonWriter writer, CompiledModel model, CostModel cost, int context)
    {
        writer.WriteStartArray("ticks");
        foreach (var program in model.Programs)
        {
            writer.WriteStartObject();
            writer.WriteNumber("rows", program.Rows);
            writer.WriteNumber("phases", program.Phases.Count);
            writer.WriteNumber("weight_bytes", program.WeightBytes);
            writer.WriteNumber("predicted_prompt", cost.Tick(program, new TickLoad(program.Rows, 1, context)));
            writer.WriteNumber("predicted_streams", cost.Tick(program, new TickLoad(program.Rows, program.Rows, context)));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
