using System.Globalization;
using System.Xml;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Printing;

/// <summary>
/// Draws lanes over time as a self-contained SVG file: one strip per section, in it the predicted lanes and, where a tick was measured, the measured ones
/// below; a rectangle per instruction, a line per barrier, details in tooltips.
/// </summary>
public sealed class SvgDrawing
{
    private const string Namespace = "http://www.w3.org/2000/svg";
    private const double Width = 1480;
    private const double Left = 150;
    private const double Right = 24;
    private const double LaneHeight = 24;
    private const double LaneGap = 3;
    private const double CharacterWidth = 6.2;
    private const string BarrierColour = "#d32f2f";

    private static readonly (OpcodeFamily Family, string Name, string Colour)[] LegendEntries =
    [
        (OpcodeFamily.Matrix, "matrix", "#8fb8de"),
        (OpcodeFamily.Residual, "matrix, added to the residual", "#a5d6a7"),
        (OpcodeFamily.Gate, "gate and up", "#ffcc80"),
        (OpcodeFamily.Experts, "experts", "#ffab91"),
        (OpcodeFamily.Attention, "attention", "#ef9a9a"),
        (OpcodeFamily.Norm, "norm", "#ce93d8"),
        (OpcodeFamily.Row, "elements of rows", "#fff176"),
        (OpcodeFamily.Embedding, "embedding, angles", "#b0bec5"),
    ];

    private readonly XmlWriter _xml;
    private readonly StreamProgram _program;
    private readonly (string Name, Timeline Times)[] _sources;
    private double _y;

    private SvgDrawing(XmlWriter xml, StreamProgram program, (string Name, Timeline Times)[] sources)
    {
        _xml = xml;
        _program = program;
        _sources = sources;
    }

    /// <summary>Writes the drawing.</summary>
    /// <param name="output">Gets the SVG text.</param>
    /// <param name="predicted">The tick as predicted.</param>
    /// <param name="measured">The tick as measured, of the same program, or null.</param>
    /// <param name="options">Which sections to draw, and the heading.</param>
    public static void Write(TextWriter output, Timeline predicted, Timeline? measured, PrintOptions options)
    {
        using var xml = XmlWriter.Create(output, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true });
        var sources = measured is null ? [("predicted", predicted)] : new[] { ("predicted", predicted), ("measured", measured) };
        new SvgDrawing(xml, predicted.Program, sources).Draw(ProgramPrinter.Sections(predicted.Program, options.All, options.Layer), options);
    }

    private void Draw(IReadOnlyList<ProgramSection> sections, PrintOptions options)
    {
        double strip = 34 + (_sources.Length * ((_program.Lanes * (LaneHeight + LaneGap)) + 24)) + 30;
        double height = 96 + (sections.Count * strip);
        _xml.WriteStartElement("svg", Namespace);
        Attributes(("width", Number(Width)), ("height", Number(height)), ("viewBox", $"0 0 {Number(Width)} {Number(height)}"), ("font-family", "DejaVu Sans, Verdana, sans-serif"), ("font-size", "11"));
        Rectangle(0, 0, Width, height, "#ffffff", null);
        string times = string.Join(", ", _sources.Select(s => $"{s.Name} {Figures.Time(s.Times.Seconds)}"));
        Text(16, 26, $"{options.Source} on {options.Target}: tick of {options.Load.Rows} row{(options.Load.Rows == 1 ? "" : "s")} at a context of {options.Load.Context}, {times}", 15, bold: true);
        Legend(52);
        _y = 84;
        double scale = CommonScale(sections);
        foreach (var section in sections)
        {
            Section(section, scale);
        }

        _xml.WriteEndElement();
    }

    private void Legend(double y)
    {
        double x = 16;
        foreach (var (_, name, colour) in LegendEntries)
        {
            Rectangle(x, y - 10, 14, 12, colour, null);
            Text(x + 19, y, name);
            x += 40 + (name.Length * CharacterWidth);
        }

        Line(x, y - 12, x, y + 4, BarrierColour);
        Text(x + 6, y, "barrier");
    }

    /// <summary>Seconds across the drawing for layers: they share one scale, so that they can be compared.</summary>
    private double CommonScale(IReadOnlyList<ProgramSection> sections) => sections.Where(s => s.Layer >= 0).Select(Longest).DefaultIfEmpty(0).Max();

    private double Longest(ProgramSection section) => _sources.Max(s => s.Times.Phases.Skip(section.First).Take(section.Count).Sum(p => p.Seconds));

    private void Section(ProgramSection section, double common)
    {
        double seconds = section.Layer >= 0 ? common : Longest(section);
        double perSecond = (Width - Left - Right) / Math.Max(seconds, 1e-12);
        string more = section.Repeats == 0 ? "" : $" (and {section.Repeats} more like it: layers {section.Layer + 1} to {section.Layer + section.Repeats})";
        Line(16, _y, Width - Right, _y, "#cfd8dc");
        Text(16, _y + 20, section.Title(_program) + more, 13, bold: true);
        _y += 34;
        foreach (var (name, times) in _sources)
        {
            double took = times.Phases.Skip(section.First).Take(section.Count).Sum(p => p.Seconds);
            Text(16, _y + 28, name, bold: true);
            Text(16, _y + 43, Figures.Time(took));
            Lanes(section, times, name, perSecond);
            _y += (_program.Lanes * (LaneHeight + LaneGap)) + 24;
        }

        Axis(seconds, perSecond);
        _y += 30;
    }

    private void Lanes(ProgramSection section, Timeline times, string source, double perSecond)
    {
        double top = _y + 14, bottom = top + (_program.Lanes * (LaneHeight + LaneGap));
        double start = 0;
        for (int lane = 0; lane < _program.Lanes; lane++)
        {
            Text(Left - 46, top + (lane * (LaneHeight + LaneGap)) + 16, $"lane {lane}");
        }

        for (int p = section.First; p < section.First + section.Count; p++)
        {
            var phase = times.Phases[p];
            double x = Left + (start * perSecond);
            Fitting(x + 2, _y + 9, phase.Seconds * perSecond, $"{InstructionText.PhaseKind(_program, _program.Phases[p])} {Figures.Time(phase.Seconds)}", "#546e7a");
            for (int lane = 0; lane < _program.Lanes; lane++)
            {
                Instructions(p, lane, phase.Lanes[lane], source, x, top + (lane * (LaneHeight + LaneGap)), perSecond);
            }

            start += phase.Seconds;
            Barrier(Left + (start * perSecond), top - 4, bottom);
        }
    }

    private void Instructions(int phase, int lane, IReadOnlyList<Interval> intervals, string source, double x, double y, double perSecond)
    {
        for (int i = 0; i < intervals.Count; i++)
        {
            var instruction = _program.Phases[phase].Lanes[lane][i];
            var (offset, seconds) = intervals[i];
            string colour = LegendEntries.First(l => l.Family == instruction.Opcode.Family).Colour;
            string work = instruction.MultiplyAdds == 0 ? "" : $"\n{Figures.Count(instruction.Bytes)} bytes, {Figures.Count(instruction.MultiplyAdds)} multiply-adds per row";
            Rectangle(x + (offset * perSecond), y, Math.Max(0.3, seconds * perSecond), LaneHeight, colour,
                $"{InstructionText.Describe(_program, instruction)}{work}\n{source} {Figures.Time(seconds)}");
            Fitting(x + (offset * perSecond) + 3, y + 16, seconds * perSecond, InstructionText.Label(_program, instruction), "#102027");
        }
    }

    private void Axis(double seconds, double perSecond)
    {
        double step = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(seconds, 1e-9))));
        step = seconds / step < 2 ? step / 5 : seconds / step < 5 ? step / 2 : step;
        Line(Left, _y, Left + (seconds * perSecond), _y, "#90a4ae");
        for (int i = 0; i * step <= seconds * 1.0001; i++)
        {
            double x = Left + (i * step * perSecond);
            Line(x, _y, x, _y + 4, "#90a4ae");
            Fitting(x + 2, _y + 14, Width - x, i == 0 ? "0" : Figures.Time(i * step), "#263238");
        }
    }

    /// <summary>A text that is left out where it would not fit.</summary>
    private void Fitting(double x, double y, double width, string text, string colour)
    {
        if ((text.Length * CharacterWidth) + 4 <= width)
        {
            Text(x, y, text, colour: colour);
        }
    }

    private void Rectangle(double x, double y, double width, double height, string colour, string? tooltip)
    {
        _xml.WriteStartElement("rect", Namespace);
        Attributes(("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)), ("fill", colour));
        if (tooltip is not null)
        {
            Attributes(("class", "instruction"), ("stroke", "#37474f"), ("stroke-width", "0.4"));
            _xml.WriteElementString("title", Namespace, tooltip);
        }

        _xml.WriteEndElement();
    }

    private void Barrier(double x, double y1, double y2)
    {
        _xml.WriteStartElement("line", Namespace);
        Attributes(("x1", Number(x)), ("y1", Number(y1)), ("x2", Number(x)), ("y2", Number(y2)), ("stroke", BarrierColour), ("stroke-width", "1.2"), ("class", "barrier"));
        _xml.WriteEndElement();
    }

    private void Line(double x1, double y1, double x2, double y2, string colour)
    {
        _xml.WriteStartElement("line", Namespace);
        Attributes(("x1", Number(x1)), ("y1", Number(y1)), ("x2", Number(x2)), ("y2", Number(y2)), ("stroke", colour));
        _xml.WriteEndElement();
    }

    private void Text(double x, double y, string text, int size = 11, bool bold = false, string colour = "#263238")
    {
        _xml.WriteStartElement("text", Namespace);
        Attributes(("x", Number(x)), ("y", Number(y)), ("fill", colour), ("font-size", Number(size)));
        if (bold)
        {
            Attributes(("font-weight", "bold"));
        }

        _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    private void Attributes(params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach (var (name, value) in attributes)
        {
            _xml.WriteAttributeString(name, value);
        }
    }

    private static string Number(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);
}
