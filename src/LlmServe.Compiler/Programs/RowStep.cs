using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>A step over rows of values, as <see cref="ProgramBuilder"/> divides it over the lanes.</summary>
/// <param name="Template">The instruction without buffers, columns and rows.</param>
/// <param name="Output">What it writes; where it fills a cache, what it reads.</param>
/// <param name="Group">
/// Columns that it needs together: 1 where each column of the output depends on that column of <see cref="Inputs"/> alone; the output's columns where it
/// depends on the whole row.
/// </param>
internal sealed record RowStep(Instruction Template, GraphValue Output, int Group)
{
    /// <summary>Values read at the columns and rows that are written: an instruction's first inputs, in this order.</summary>
    public IReadOnlyList<GraphValue> Inputs { get; init; } = [];

    /// <summary>Values of which whole rows are read; the inputs behind those.</summary>
    public IReadOnlyList<GraphValue> Beside { get; init; } = [];

    /// <summary>Values that are read entirely, whatever rows are written; the inputs behind those.</summary>
    public IReadOnlyList<GraphValue> Everything { get; init; } = [];

    /// <summary>Cache that is written in place of a value.</summary>
    public LayerCache? Cache { get; init; }

    /// <summary>What a phase is called that begins with it; null: as the output.</summary>
    public string? Name { get; init; }

    /// <summary>Whether every lane may do all of it for itself, to save a barrier.</summary>
    public bool IsRepeatable { get; init; } = true;

    /// <summary>Whether every lane must do all of it for itself.</summary>
    public bool IsRepeated { get; init; }

    /// <summary>Whether the output may stand where the first input stood that nobody reads any more.</summary>
    public bool IsInPlace { get; init; }

    /// <summary>Whether selected rows are gathered from values that have every row.</summary>
    public bool Gathers => Output.Rows.Selected && Inputs.Any(v => !v.Rows.Selected);

    /// <summary>Whether lanes need whole rows.</summary>
    public bool NeedsRows => Group >= Output.Columns || Gathers;

    /// <summary>What a lane reads that does a part.</summary>
    public IEnumerable<(GraphValue Value, Split Part)> Reads(Split part) =>
    [
        .. Inputs.Select(v => (v, Gathers || v.Columns != Output.Columns ? Split.Whole : part)),
        .. Beside.Select(v => (v, part.Shape == Split.Kind.Rows ? part : Split.Whole)),
        .. Everything.Select(v => (v, Split.Whole)),
    ];
}
