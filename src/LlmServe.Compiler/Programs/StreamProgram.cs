using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>A model compiled for ticks of up to <see cref="Rows"/> rows on a number of lanes: immutable, without weights or pointers.</summary>
public sealed record StreamProgram
{
    /// <summary>Most rows in a tick.</summary>
    public required int Rows { get; init; }

    public required int Lanes { get; init; }

    public required IReadOnlyList<Phase> Phases { get; init; }

    public required IReadOnlyList<Buffer> Buffers { get; init; }

    public required MemoryPlan Memory { get; init; }

    /// <summary>The weights that instructions refer to.</summary>
    public required IReadOnlyList<Weight> Weights { get; init; }

    /// <summary>The caches that instructions refer to, by the buffer that stands for each: <c>CacheBuffers[i]</c> is that of cache i.</summary>
    public required IReadOnlyList<int> CacheBuffers { get; init; }

    /// <summary>The steps, by what they give: each is the work of instructions that name it.</summary>
    public required IReadOnlyList<string> Steps { get; init; }

    /// <summary>What the program gives.</summary>
    public required IReadOnlyList<ProgramPort> Outputs { get; init; }

    /// <summary>What the program takes beside tokens.</summary>
    public required IReadOnlyList<ProgramPort> Inputs { get; init; }

    /// <summary>Weight bytes read by a tick, whatever its rows; of chosen experts none, since a tick says how many they are.</summary>
    public long WeightBytes => Phases.Sum(p => p.Lanes.Sum(l => l.Sum(i => i.Opcode.Division == Division.Units ? 0 : i.Bytes)));

    /// <summary>Whether a buffer holds an output.</summary>
    public bool IsOutput(int buffer) => Outputs.Any(o => o.Buffer == buffer);
}
