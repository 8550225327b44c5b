using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Printing;

/// <summary>Phases that people think of together: those of a layer, or the stretch before, between or after layers.</summary>
/// <param name="Layer">Transformer block; −1 outside.</param>
/// <param name="First">First phase.</param>
/// <param name="Count">Phases.</param>
/// <param name="Repeats">Later layers of equal structure that are folded into this one: the layers <see cref="Layer"/> + 1 … <see cref="Layer"/> + Repeats.</param>
public sealed record ProgramSection(int Layer, int First, int Count, int Repeats = 0)
{
    private const string Prefix = "blk.";

    /// <summary>For headings: <c>layer 3</c>, or the phase's own name.</summary>
    public string Title(StreamProgram program) => Layer >= 0 ? $"layer {Layer}" : program.Phases[First].Name;

    /// <summary>The sections of a program, in order.</summary>
    public static IReadOnlyList<ProgramSection> All(StreamProgram program)
    {
        var sections = new List<ProgramSection>();
        for (int p = 0; p < program.Phases.Count; p++)
        {
            int layer = LayerOf(program.Phases[p].Name);
            if (sections.Count > 0 && layer >= 0 && sections[^1].Layer == layer)
            {
                sections[^1] = sections[^1] with { Count = sections[^1].Count + 1 };
            }
            else
            {
                sections.Add(new ProgramSection(layer, p, 1));
            }
        }

        return sections;
    }

    /// <summary>The sections with runs of equal layers folded into their first; the last layer always stands for itself.</summary>
    public static IReadOnlyList<ProgramSection> Folded(StreamProgram program)
    {
        var folded = new List<ProgramSection>();
        var all = All(program);
        int last = all.Count == 0 ? -1 : all.Max(s => s.Layer);
        foreach (var section in all)
        {
            if (folded.Count > 0 && folded[^1] is { Layer: >= 0 } before && section.Layer == before.Layer + before.Repeats + 1
                && section.Layer != last && IsLike(program, before, section))
            {
                folded[^1] = before with { Repeats = before.Repeats + 1 };
            }
            else
            {
                folded.Add(section);
            }
        }

        return folded;
    }

    /// <summary>The layer that a name such as <c>blk.3.attn_q</c> begins with, or −1.</summary>
    public static int LayerOf(string name)
    {
        int dot = name.IndexOf('.', Math.Min(Prefix.Length, name.Length));
        return name.StartsWith(Prefix, StringComparison.Ordinal) && dot > 0 && int.TryParse(name.AsSpan(Prefix.Length, dot - Prefix.Length), out int layer) ? layer : -1;
    }

    /// <summary>A name without its layer and without <c>.weight</c>.</summary>
    public static string ShortName(string name)
    {
        string text = name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
        return LayerOf(text) < 0 ? text : text[(text.IndexOf('.', Prefix.Length) + 1)..];
    }

    private static bool IsLike(StreamProgram program, ProgramSection a, ProgramSection b)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        for (int p = 0; p < a.Count; p++)
        {
            var left = program.Phases[a.First + p].Lanes;
            var right = program.Phases[b.First + p].Lanes;
            for (int lane = 0; lane < left.Count; lane++)
            {
                if (!left[lane].Select(i => Structure(program, i)).SequenceEqual(right[lane].Select(i => Structure(program, i))))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static (Opcode, int, int, long, long, object?) Structure(StreamProgram program, Instruction i) =>
        (i.Opcode, i.Begin, i.End, i.Bytes, i.MultiplyAdds, i.Weight < 0 ? null : program.Weights[i.Weight].Type);
}
