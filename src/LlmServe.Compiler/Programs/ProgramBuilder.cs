using LlmServe.Compiler.Graph;
using LlmServe.Execution;

namespace LlmServe.Compiler.Programs;

/// <summary>
/// Turns operations into phases. Operations say what they do; this divides it over the lanes and puts a barrier where data crosses lanes: where a lane reads
/// or writes what another wrote in the open phase, or writes what another reads there.
/// </summary>
internal sealed class ProgramBuilder
{
    private readonly ModelGraph _graph;
    private readonly ActivationForms[] _forms; // [values]
    private readonly ValuePlaces _places;
    private readonly int[] _groups; // [values]; columns that stay on one lane
    private readonly List<Phase> _phases = [];
    private readonly List<string> _steps = [];
    private OpenPhase _open;
    private int _operation;

    private ProgramBuilder(ModelGraph graph, ActivationForms[] forms, ITarget target, int rows, int context, KvElement kv)
    {
        _graph = graph;
        _forms = forms;
        Target = target;
        Rows = rows;
        Context = context;
        Kv = kv;
        _places = new ValuePlaces(graph, forms, target, rows);
        _groups = ColumnGroups.Compute(graph, forms, target, kv);
        _open = new OpenPhase(target.Lanes);
    }

    /// <summary>The backend.</summary>
    public ITarget Target { get; }

    /// <summary>Lanes that play the program.</summary>
    public int Lanes => Target.Lanes;

    /// <summary>Most rows of a tick.</summary>
    public int Rows { get; }

    /// <summary>Most positions of a sequence.</summary>
    public int Context { get; }

    /// <summary>Element type of the cache.</summary>
    public KvElement Kv { get; }

    private bool HasFewRows => Target.RepeatsRows(Rows);

    /// <summary>
    /// The program for ticks of up to <paramref name="rows"/> rows of sequences of up to <paramref name="context"/> positions, over a cache of
    /// <paramref name="kv"/> elements.
    /// </summary>
    public static StreamProgram Build(ModelGraph graph, ITarget target, int rows, int context, KvElement kv)
    {
        var (converted, forms) = ActivationFormChooser.Choose(graph, target, rows);
        var builder = new ProgramBuilder(converted, forms, target, rows, context, kv);
        ProgramPort[] inputs = [.. converted.Inputs.Select(i => new ProgramPort(i.Name, builder._places.Create(i.Value, isPrivate: false), i.Value.Columns, i.Value.Rows.Selected))];
        for (builder._operation = 0; builder._operation < converted.Operations.Count; builder._operation++)
        {
            converted.Operations[builder._operation].Lower(builder);
        }

        builder.Barrier();
        ProgramPort[] outputs = [.. converted.Outputs.Select(o => new ProgramPort(o.Name, builder._places[o.Value], o.Value.Columns, o.Value.Rows.Selected))];
        var buffers = builder._places.Buffers;
        return new StreamProgram
        {
            Rows = rows,
            Lanes = target.Lanes,
            Phases = builder._phases,
            Buffers = buffers,
            Memory = MemoryPlanner.Plan(buffers, Liveness.Compute(buffers, builder._phases, inputs, outputs)),
            Weights = graph.Weights,
            CacheBuffers = builder._places.Caches,
            Steps = builder._steps,
            Inputs = inputs,
            Outputs = outputs,
        };
    }

    /// <summary>Whether every lane has a value for itself.</summary>
    public bool IsPrivate(GraphValue value) => _places.IsPrivate(value);

    /// <summary>Whether a value is what the program gives.</summary>
    public bool IsOutput(GraphValue value) => _graph.IsOutput(value);

    /// <summary>Adds a step over rows.</summary>
    public void Add(RowStep step)
    {
        step = step.Cache is null ? step with { Group = ColumnGroups.Common(step.Group, Target.GroupOf(_forms[step.Output.Id]), step.Output.Columns) } : step;
        var part = Choose(step);
        if (Conflicts(step, part))
        {
            // What lanes wrote is everybody's afterwards, and another part may be better.
            Barrier();
            part = Choose(step);
        }

        int output = step.Cache is { } cache ? _places[cache] : Place(step, isPrivate: part.Shape == Split.Kind.Whole);
        int[] inputs = [.. step.Inputs.Concat(step.Beside).Concat(step.Everything).Select(v => _places[v]), -1, -1, -1];
        Emit(step.Template with
        {
            Step = NewStep(step.Output.Name), Input = inputs[0], Input2 = inputs[1], Input3 = inputs[2], Output = output,
            Selected = step.Output.Rows.Selected, Copies = step.Output.Rows.Copies, Gathers = step.Gathers,
        }, part, step.Output.Columns);
        _open.Name(step.Name ?? step.Output.Name, isMain: false);
        foreach (var (value, read) in step.Reads(part))
        {
            Use(_places[value], read, isWrite: false);
        }

        if (step.Cache is null)
        {
            Use(output, part, isWrite: true);
        }
        else
        {
            _open.Use(output, part, isWrite: true, step.Template.Shift);
        }
    }

    /// <summary>Adds a step that multiplies one input by matrices, laid end to end and cut over the lanes by cost.</summary>
    /// <param name="opcode">What it is.</param>
    /// <param name="input">The rows that are multiplied.</param>
    /// <param name="matrices">The matrices.</param>
    /// <param name="name">Of the phase.</param>
    /// <param name="group">Rows of a matrix that must stay on one lane.</param>
    /// <param name="detail">Constants of the opcode.</param>
    public void Add(Opcode opcode, GraphValue input, IReadOnlyList<MatrixPart> matrices, string name, int group = 1, Detail? detail = null)
    {
        double[] costs = [.. matrices.Select(m => BytesPerRow(m.Matrix) + (m.Second is null ? 0 : BytesPerRow(m.Second)))];
        var parts = Cut(matrices, costs, group);
        if (Conflicts(_places[input], Split.Whole, isWrite: false)
            || matrices.Where((m, i) => m.Residual is not null && Conflicts(_places[m.Residual], parts[i], isWrite: true)).Any())
        {
            Barrier();
        }

        _open.Name(name, isMain: true);
        for (int m = 0; m < matrices.Count; m++)
        {
            var (matrix, output) = (matrices[m].Matrix, matrices[m].Output);
            int buffer = matrices[m].Residual is { } residual ? _places.Replace(residual, output) : _places.Create(output, isPrivate: false);
            var template = new Instruction(opcode)
            {
                Step = NewStep(output.Name), Weight = matrix.Id, Weight2 = matrices[m].Second?.Id ?? -1, Input = _places[input], Output = buffer,
                Selected = output.Rows.Selected, Copies = output.Rows.Copies, KernelFrom = Target.KernelFrom(matrix, Rows), Detail = detail,
            };
            double cost = costs[m];
            long perRow = matrix.Columns * (matrices[m].Second is null ? 1L : 2);
            Emit(template, parts[m], (int)matrix.AllRows, i => i with { Bytes = (long)(cost * (i.End - i.Begin)), MultiplyAdds = perRow * (i.End - i.Begin) });
            Use(buffer, parts[m], isWrite: true);
        }

        Use(_places[input], Split.Whole, isWrite: false);
    }

    /// <summary>Adds a step whose lanes take units that only a tick tells: stretches of attention, or chosen experts.</summary>
    /// <param name="template">The instruction without buffers for values.</param>
    /// <param name="inputs">Values read entirely: an instruction's inputs, in this order.</param>
    /// <param name="output">What it writes; a further step of the same output completes it.</param>
    /// <param name="name">Of the phase.</param>
    /// <param name="cache">The cache that is read: the input behind the values.</param>
    public void AddUnits(Instruction template, IReadOnlyList<GraphValue> inputs, GraphValue output, string name, LayerCache? cache = null)
    {
        int[] reads = [.. inputs.Select(v => _places[v]), .. cache is null ? (int[])[] : [_places[cache]]];
        var part = Split.ByUnits(Lanes);
        if (reads.Any(buffer => Conflicts(buffer, Split.Whole, isWrite: false))
            || (template.Parts >= 0 && Conflicts(template.Parts, part, isWrite: true))
            || (_places.Has(output) && Conflicts(_places[output], part, isWrite: true)))
        {
            Barrier();
        }

        int buffer = _places.Has(output) ? _places[output] : _places.Create(output, isPrivate: false);
        int[] operands = [.. reads, -1, -1, -1];
        _open.Name(name, isMain: true);
        Emit(template with
        {
            Step = NewStep(output.Name), Input = operands[0], Input2 = operands[1], Input3 = operands[2], Output = buffer,
            Selected = output.Rows.Selected, Copies = output.Rows.Copies,
        }, part, output.Columns);
        foreach (int read in reads)
        {
            Use(read, Split.Whole, isWrite: false);
        }

        if (template.Parts >= 0)
        {
            Use(template.Parts, part, isWrite: true);
        }

        Use(buffer, part, isWrite: true);
    }

    /// <summary>A buffer with a row for each lane, where others can read it.</summary>
    public int AddParts(string name, int columns) => _places.CreateParts(name, columns);

    /// <summary>Bytes that a row of a matrix takes as the target stores it.</summary>
    public double BytesPerRow(Weight matrix) => (double)Target.StoredBytes(matrix) / matrix.AllRows;

    private void Barrier()
    {
        if (!_open.IsEmpty)
        {
            _phases.Add(_open.Close());
        }

        _open = new OpenPhase(Lanes);
    }

    /// <summary>Which part of a step each lane does.</summary>
    private Split Choose(RowStep step)
    {
        if (step.IsRepeated)
        {
            return Split.Whole;
        }

        var written = step.Inputs.Where(v => !_places.IsPrivate(v) && v.Columns == step.Output.Columns).Select(v => _open.WrittenParts(_places[v])).ToArray();
        if (!step.NeedsRows && Array.Find(written, w => w is not null && w.KeepsTogether(step.Group, step.Output.Columns)) is { } columns)
        {
            // Lanes go on with what they have just written.
            return columns;
        }

        bool mayRepeat = HasFewRows && step.IsRepeatable && step.Cache is null;
        if (mayRepeat && (step.NeedsRows || step.Inputs.Concat(step.Beside).Any(_places.IsPrivate)))
        {
            return Split.Whole;
        }

        if (!step.Gathers && Array.Find(written, w => w is { Shape: Split.Kind.Rows }) is { } rows)
        {
            return rows;
        }

        return mayRepeat ? Split.Whole : Split.ByRows(Lanes);
    }

    /// <summary>The buffer that a step writes.</summary>
    private int Place(RowStep step, bool isPrivate) =>
        step.IsInPlace && _places.IsPrivate(step.Inputs[0]) == isPrivate && _places.CanReplace(step.Inputs[0], step.Output, _operation)
            ? _places.Replace(step.Inputs[0], step.Output)
            : _places.Create(step.Output, isPrivate);

    /// <summary>Whether a step cannot stand in the open phase.</summary>
    private bool Conflicts(RowStep step, Split part)
    {
        if (step.Reads(part).Any(r => Conflicts(_places[r.Value], r.Part, isWrite: false)))
        {
            return true;
        }

        if (step.Cache is { } cache)
        {
            // Keys and values are cut over the lanes each by itself.
            return _open.Conflicts(_places[cache], part, isWrite: true, step.Template.Shift);
        }

        bool replaces = step.IsInPlace && part.Shape != Split.Kind.Whole && !_places.IsPrivate(step.Inputs[0])
            && _places.CanReplace(step.Inputs[0], step.Output, _operation);
        return replaces && Conflicts(_places[step.Inputs[0]], part, isWrite: true);
    }

    private bool Conflicts(int buffer, Split part, bool isWrite) => !_places.IsPrivate(buffer) && _open.Conflicts(buffer, part, isWrite);

    private void Use(int buffer, Split part, bool isWrite)
    {
        if (!_places.IsPrivate(buffer))
        {
            _open.Use(buffer, part, isWrite);
        }
    }

    private Split[] Cut(IReadOnlyList<MatrixPart> matrices, double[] costs, int group)
    {
        int alignment = Target.TileRows;
        foreach (var matrix in matrices)
        {
            alignment = ColumnGroups.Common(alignment, group, matrix.Matrix.AllRows);
            alignment = ColumnGroups.Common(alignment, _groups[matrix.Output.Id], matrix.Matrix.AllRows);
        }

        var ranges = LaneTiler.Split([.. matrices.Select(m => checked((int)m.Matrix.AllRows))], costs, alignment, Lanes);
        return [.. matrices.Select((_, m) => Split.ByColumns([.. ranges.Select(lane => RangeOf(lane, m))]))];
    }

    private static (int Begin, int End) RangeOf(IReadOnlyList<TileRange> lane, int matrix)
    {
        foreach (var range in lane)
        {
            if (range.Matrix == matrix)
            {
                return (range.Begin, range.End);
            }
        }

        return (0, 0);
    }

    private int NewStep(string name)
    {
        _steps.Add(name);
        return _steps.Count - 1;
    }

    private void Emit(Instruction template, Split part, int columns, Func<Instruction, Instruction>? size = null)
    {
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (!part.IsEmpty(lane))
            {
                var instruction = part.Apply(template, lane, Lanes, columns);
                _open.Add(lane, size is null ? instruction : size(instruction));
            }
        }
    }
}
