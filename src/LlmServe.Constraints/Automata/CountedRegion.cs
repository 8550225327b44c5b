namespace LlmServe.Constraints.Automata;

/// <summary>What the tokens that a counted state allows depend on.</summary>
/// <param name="Unit">How characters are written.</param>
/// <param name="Place">The place within a character.</param>
/// <param name="Needed">Characters that must still come before the quote, as far as one token can reach.</param>
/// <param name="Room">Characters that may still come, as far as one token can reach.</param>
internal readonly record struct CountedKey(CountedUnit Unit, int Place, int Needed, int Room);

/// <summary>
/// The states of one <see cref="CountedText"/>: numbers that hold a count of characters and a place within the next one. They stand in no table; a step
/// is arithmetic.
/// </summary>
internal sealed class CountedRegion
{
    private readonly CountedText _counted;
    private readonly UnitTable _unit;
    private readonly int _end;

    private CountedRegion(CountedText counted, UnitTable unit, int standIn, int first, int end)
    {
        (_counted, _unit, StandIn, First, _end) = (counted, unit, standIn, first, end);
    }

    /// <summary>The first state: no character, at a border.</summary>
    public int First { get; }

    /// <summary>The state that stands for the start in the table.</summary>
    public int StandIn { get; }

    /// <summary>Lays the counts of a table out, behind its states.</summary>
    /// <exception cref="ConstraintException">There are too many.</exception>
    public static CountedRegion[] LayOut(StateTable table, UnitTable[] units)
    {
        var regions = new List<CountedRegion>();
        long next = table.Accepting.Count;
        foreach (var edge in table.Tokens.Where(edge => edge.Token >= StateTable.FirstCounted))
        {
            var counted = table.Counted[edge.Token - StateTable.FirstCounted];
            regions.Add(new CountedRegion(counted, units[(int)counted.Unit], edge.From, (int)next, edge.To));
            next += (long)(counted.LastCount + 1) << UnitTable.PlaceBits;
            if (next > int.MaxValue)
            {
                throw new ConstraintException("the rule", "it has too many strings with large bounds of their lengths");
            }
        }

        return [.. regions];
    }

    /// <summary>Where a byte leads; −1: nowhere.</summary>
    public int Step(int state, byte value)
    {
        int count = (state - First) >> UnitTable.PlaceBits;
        int place = (state - First) & (UnitTable.Places - 1);
        if (place == 0)
        {
            if (value == (byte)'"')
            {
                return count >= _counted.Least ? _end : -1;
            }

            if (count == _counted.Most)
            {
                return -1;
            }
        }

        int next = _unit.Step(place, value);
        if (next == 0)
        {
            count = Math.Min(count + 1, _counted.LastCount);
        }

        return next < 0 ? -1 : First + (count << UnitTable.PlaceBits) + next;
    }

    /// <summary>The one byte that can come, or <see cref="UnitTable.Several"/>.</summary>
    public short OnlyByte(int state)
    {
        int place = (state - First) & (UnitTable.Places - 1);
        int count = (state - First) >> UnitTable.PlaceBits;
        return place == 0 && count == _counted.Most ? (short)'"' : _unit.OnlyByte(place);
    }

    /// <summary>What the tokens that a state allows depend on.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reach">Bytes of the longest token.</param>
    public CountedKey KeyOf(int state, int reach)
    {
        int count = (state - First) >> UnitTable.PlaceBits;
        int place = (state - First) & (UnitTable.Places - 1);
        int needed = Math.Clamp(_counted.Least - count, 0, reach + 1);
        int room = Math.Min(_counted.Most - count ?? reach + 1, reach + 1);
        return new CountedKey(_counted.Unit, place, needed, room);
    }
}
