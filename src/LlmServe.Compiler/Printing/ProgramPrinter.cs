using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Printing;

/// <summary>What to print of a program.</summary>
/// <param name="Source">Name of the model, for the heading.</param>
/// <param name="Target">Name of the target and its lanes: <c>cpu avx2, 2 lanes</c>.</param>
/// <param name="Load">The tick that times are predicted for.</param>
/// <param name="All">Whether equal layers are shown one by one.</param>
/// <param name="Layer">The only layer to show, or null.</param>
public sealed record PrintOptions(string Source, string Target, TickLoad Load, bool All = false, int? Layer = null);

/// <summary>Prints a compiled model so that a person can follow a token through it.</summary>
public sealed class ProgramPrinter
{
    private const int TextWidth = 72;

    private readonly TextWriter _out;
    private readonly CompiledModel _model;
    private readonly StreamProgram _program;
    private readonly CostModel _cost;
    private readonly PrintOptions _options;
    private readonly IReadOnlyList<ProgramSection> _sections;

    /// <param name="output">Gets plain text without colours.</param>
    /// <param name="model">The compiled model.</param>
    /// <param name="program">The one of its programs whose phases are listed.</param>
    /// <param name="cost">Predicts times.</param>
    /// <param name="options">What to show.</param>
    /// <exception cref="ArgumentException">There is no such layer.</exception>
    public ProgramPrinter(TextWriter output, CompiledModel model, StreamProgram program, CostModel cost, PrintOptions options)
    {
        _out = output;
        _model = model;
        _program = program;
        _cost = cost;
        _options = options;
        _sections = Sections(program, options.All, options.Layer);
    }

    /// <summary>The sections that options select.</summary>
    /// <exception cref="ArgumentException">There is no such layer.</exception>
    public static IReadOnlyList<ProgramSection> Sections(StreamProgram program, bool all, int? layer)
    {
        if (layer is { } only)
        {
            var sections = ProgramSection.All(program).Where(s => s.Layer == only).ToList();
            return sections.Count > 0 ? sections : throw new ArgumentException($"layer {only} does not exist; layers are 0 to {ProgramSection.All(program).Max(s => s.Layer)}");
        }

        return all ? ProgramSection.All(program) : ProgramSection.Folded(program);
    }

    /// <summary>Prints everything.</summary>
    public void Print()
    {
        Heading();
        Memory();
        Phases();
        Totals();
    }

    private void Heading()
    {
        var shape = _model.Shape;
        var info = _model.Info;
        Field("model", _options.Source);
        Field("architecture", $"{shape.Architecture}: {info.Layers} layers, width {shape.Width}, {Heads()}{FeedForward()}, "
            + $"vocabulary {Figures.Count(shape.Vocabulary)}, context {Figures.Count(info.ContextLength)}");
        Field("formats", string.Join(", ", _model.Weights.Where(w => w.Use != WeightUse.None).GroupBy(w => w.Type).OrderByDescending(g => g.Sum(w => w.Bytes))
            .Select(g => $"{g.Key} {Figures.Size(g.Sum(w => w.Bytes))} in {g.Count()} tensors")));
        Field("modes", $"activations {info.Activations.ToString().ToLowerInvariant()}, kv {info.Kv.ToString().ToLowerInvariant()}");
        Field("target", _options.Target);
        Field("program", info.ProgramId);
        Field("machine", $"{(_cost.Machine.IsMeasured ? "measured" : "nominal")}: {Figures.Size(_cost.Machine.ReadBandwidth)}/s read, "
            + $"barrier {Figures.Time(_cost.Machine.Barrier)}, tick overhead {Figures.Time(_cost.Machine.TickOverhead)}");
        foreach (var (key, time) in _cost.Machine.Kernels.Where(k => k.Key.IsMatrix).OrderBy(k => k.Key.Opcode).ThenBy(k => k.Key.Columns).ThenBy(k => k.Key.KernelFrom))
        {
            Field("", $"{key.Opcode} {key.Weight}, {key.Columns} columns, from {key.KernelFrom} row{(key.KernelFrom == 1 ? "" : "s")}: "
                + $"{Figures.Scaled(1 / time.First, "MAC")}/s for the first row"
                + (time.FirstFromMemory > 0 ? $" ({Figures.Scaled(1 / time.FirstFromMemory, "MAC")}/s from memory)" : "")
                + $", {Figures.Scaled(1 / Math.Max(time.Next, 1e-15), "MAC")}/s for further ones, per lane");
        }
    }

    /// <summary>What kinds of attention the layers have: <c>9 query and 3 key heads of 64</c>.</summary>
    private string Heads() => string.Join(" or ", _program.Phases.SelectMany(p => p.Lanes[0]).Select(i => i.Detail).OfType<AttentionShape>().Distinct().Select(a =>
        $"{a.QueryHeads} query and {a.KeyHeads} key heads of {a.KeySize}{(a.MostPositions > 0 ? $" that see {a.MostPositions} positions" : "")}"));

    /// <summary>How wide gated layers are.</summary>
    private string FeedForward()
    {
        int[] widths = [.. _program.Phases.SelectMany(p => p.Lanes[0]).Where(i => i.Opcode.Family == OpcodeFamily.Gate).Select(i => _program.Buffers[i.Output].Columns).Distinct()];
        return widths.Length == 0 ? "" : $", feed-forward {string.Join(" or ", widths)}";
    }

    private void Memory()
    {
        _out.WriteLine();
        _out.WriteLine($"Memory of the program for up to {Rows(_program.Rows)}: arena of {Figures.Count(_program.Memory.Bytes)} bytes, {Figures.Count(_program.Memory.LaneBytes)} for each lane; "
            + $"the cache takes {Figures.Count(CostModel.KvBytesPerPosition(_model))} bytes per position");
        var lives = Liveness.Compute(_program);
        var shown = _sections.Where(s => s.Layer >= 0).Select(s => s.Layer).ToHashSet();
        int hidden = 0;
        Columns("  ", ["buffer", "lane", "columns", "row bytes", "bytes", "offset", "phases", "forms"]);
        foreach (var buffer in _program.Buffers.Where(b => lives[b.Id].IsUsed && b.Place != BufferPlace.Cache))
        {
            int layer = ProgramSection.LayerOf(buffer.Name);
            if (layer >= 0 && !shown.Contains(layer))
            {
                hidden++;
                continue;
            }

            var life = lives[buffer.Id];
            Columns("  ", [buffer.Name, buffer.Place == BufferPlace.Lane ? "each" : "all", Figures.Count(buffer.Columns), Figures.Count(buffer.RowBytes),
                Figures.Count(buffer.Bytes), Figures.Count(_program.Memory.Offsets[buffer.Id]), $"{life.First}..{life.Last}", buffer.Storage]);
        }

        if (hidden > 0)
        {
            _out.WriteLine($"  … {hidden} buffers of other layers");
        }
    }

    private void Phases()
    {
        _out.WriteLine();
        _out.WriteLine($"{_program.Phases.Count} phases on {_program.Lanes} lane{(_program.Lanes == 1 ? "" : "s")}, each ended by a barrier; times are predicted for "
            + $"{Rows(_options.Load.Rows)}, {_options.Load.Selected} of them with logits, at a context of {Figures.Count(_options.Load.Context)}");
        foreach (var section in _sections)
        {
            double seconds = Enumerable.Range(section.First, section.Count).Sum(p => _cost.Phase(_program, _program.Phases[p], _options.Load));
            _out.WriteLine();
            _out.WriteLine(Line($"── {section.Title(_program)} ──", seconds));
            for (int p = section.First; p < section.First + section.Count; p++)
            {
                Phase(p);
            }

            if (section.Repeats > 0)
            {
                _out.WriteLine();
                _out.WriteLine($"  … {section.Repeats} more like it (layer{(section.Repeats == 1 ? "" : "s")} {section.Layer + 1}"
                    + $"{(section.Repeats == 1 ? "" : $" to {section.Layer + section.Repeats}")})");
            }
        }
    }

    private void Phase(int index)
    {
        var phase = _program.Phases[index];
        _out.WriteLine(Line($"{index,4}  {phase.Name}  [{InstructionText.PhaseKind(_program, phase)}]", _cost.Phase(_program, phase, _options.Load)));
        for (int lane = 0; lane < phase.Lanes.Count; lane++)
        {
            string label = $"lane {lane}";
            if (phase.Lanes[lane].Count == 0)
            {
                _out.WriteLine($"      {label,-8}(waits)");
            }

            foreach (var instruction in phase.Lanes[lane])
            {
                string work = instruction.MultiplyAdds == 0 ? "" : $"{Figures.Count(instruction.Bytes),12} B {Figures.Count(instruction.MultiplyAdds),12} MAC";
                _out.WriteLine($"      {label,-8}{InstructionText.Describe(_program, instruction).PadRight(TextWidth)} {work,32} "
                    + $"{Figures.Time(_cost.Instruction(_program, instruction, _options.Load)),10}");
                label = "";
            }
        }
    }

    private void Totals()
    {
        _out.WriteLine();
        _out.WriteLine($"Totals per tick at a context of {Figures.Count(_options.Load.Context)}: a stretch of one prompt (one row with logits), and as many decoding streams (all rows with logits)");
        Columns("  ", ["rows", "phases", "weight bytes", "MAC per row", "MAC per logits", "prompt tick", "tokens/s", "streams tick", "tokens/s"]);
        foreach (var program in _model.Programs)
        {
            var all = program.Phases.SelectMany(p => p.Lanes).SelectMany(lane => lane).ToList();
            double prompt = _cost.Tick(program, new TickLoad(program.Rows, 1, _options.Load.Context));
            double streams = _cost.Tick(program, new TickLoad(program.Rows, program.Rows, _options.Load.Context));
            Columns("  ", [$"{program.Rows}", $"{program.Phases.Count}", Figures.Count(program.WeightBytes),
                Figures.Count(all.Where(i => !i.Selected).Sum(i => i.MultiplyAdds)), Figures.Count(all.Where(i => i.Selected).Sum(i => i.MultiplyAdds)),
                Figures.Time(prompt), Figures.Number(program.Rows / prompt, "0.0"), Figures.Time(streams), Figures.Number(program.Rows / streams, "0.0")]);
        }
    }

    private void Field(string name, string value) => _out.WriteLine($"{name,-13} {value}");

    /// <summary>A row of a table: the first cell to the left, the others to the right, the last one as it is.</summary>
    private void Columns(string indent, string[] cells)
    {
        var middle = cells[1..^1].Select(cell => cell.PadLeft(16));
        _out.WriteLine($"{indent}{cells[0],-22}{string.Concat(middle)}  {cells[^1]}".TrimEnd());
    }

    private static string Rows(int rows) => rows == 1 ? "1 row" : $"{rows} rows";

    private static string Line(string text, double seconds) => $"{text.PadRight(TextWidth + 46)} {Figures.Time(seconds),11}";
}
