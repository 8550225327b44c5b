using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Automata;

/// <summary>How one character of a JSON string is read: places within it, and where bytes lead. Place 0 is the border between characters.</summary>
internal sealed class UnitTable
{
    /// <summary>Bits of a place's number.</summary>
    public const int PlaceBits = 5;

    /// <summary>Most places.</summary>
    public const int Places = 1 << PlaceBits;

    /// <summary>No byte can come.</summary>
    public const short None = -1;

    /// <summary>More than one byte can come.</summary>
    public const short Several = -2;

    private readonly sbyte[] _next = new sbyte[Places * 256]; // [places, bytes] −1: nowhere
    private readonly short[] _onlyBytes = new short[Places];

    private UnitTable(StateTable table)
    {
        Array.Fill(_next, (sbyte)-1);
        Array.Fill(_onlyBytes, None);
        int start = table.RuleStart[table.Root];
        foreach (var edge in table.Bytes)
        {
            int from = PlaceOf(edge.From);
            for (int value = edge.Low; value <= edge.High; value++)
            {
                _next[(from << 8) + value] = (sbyte)(table.Accepting[edge.To] ? 0 : PlaceOf(edge.To));
                _onlyBytes[from] = _onlyBytes[from] == None ? (short)value : Several;
            }
        }

        int PlaceOf(int state) => state == start ? 0 : state < start ? state + 1 : state;
    }

    /// <summary>[<see cref="CountedUnit"/>] Where every byte can be written.</summary>
    public static UnitTable[] OfAllBytes { get; } = OfBytes(null);

    /// <summary>[<see cref="CountedUnit"/>] Where only some bytes can be written.</summary>
    public static UnitTable[] OfBytes(bool[]? usable) => [Build(CountedUnit.Text, usable), Build(CountedUnit.Name, usable)];

    /// <summary>Where a byte leads; 0 ends a character, −1 is nowhere.</summary>
    public int Step(int place, byte value) => _next[(place << 8) + value];

    /// <summary>The one byte that can come, <see cref="None"/> or <see cref="Several"/>.</summary>
    public short OnlyByte(int place) => _onlyBytes[place];

    private static UnitTable Build(CountedUnit unit, bool[]? usable)
    {
        var rules = new RuleSet();
        var graph = rules[rules.Add("character")];
        if (unit == CountedUnit.Text)
        {
            LanguageWriter.AddJsonCharacter(graph, RuleGraph.Start, RuleGraph.End);
        }
        else
        {
            LanguageWriter.AddJsonName(graph, RuleGraph.Start, CodePointSet.All, RuleGraph.End);
        }

        var table = AutomatonBuilder.Build(rules, new WorkMeter(ConstraintLimits.Default));
        return new UnitTable(usable is null ? table : table.Trim(usable));
    }
}
