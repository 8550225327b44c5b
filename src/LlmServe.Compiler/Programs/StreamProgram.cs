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

    /// <summary>The buffer that holds cosines and sines.</summary>
    public required int RopeBuffer { get; init; }

    /// <summary>The buffer that holds the logits of selected rows.</summary>
    public required int LogitsBuffer { get; init; }

    /// <summary>Weight bytes read by a tick, whatever its rows.</summary>
    public long WeightBytes => Phases.Sum(p => p.Lanes.Sum(l => l.Sum(i => i.Bytes)));
}
