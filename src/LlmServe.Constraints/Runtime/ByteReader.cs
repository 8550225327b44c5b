using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>Reads bytes with all that a rule asks: its automaton, and that no object of JSON has a name twice. Not thread-safe.</summary>
/// <param name="automaton">The automaton.</param>
internal sealed class ByteReader(Automaton automaton)
{
    private const int LongestName = 4096;

    /// <summary>The stacks.</summary>
    public StackMachine Machine { get; } = new(automaton);

    /// <summary>The names.</summary>
    public NameTracker Names { get; } = new();

    /// <summary>Before the first byte.</summary>
    public CursorPlace Begin() => new(Machine.Begin(), NamesPlace.Outside, default);

    /// <summary>Reads a byte.</summary>
    /// <param name="place">The place; afterwards the one behind the byte, with the machine's last configuration.</param>
    /// <param name="value">The byte.</param>
    /// <returns>False, and the place is of no use, if the byte cannot come.</returns>
    public bool TryRead(ref CursorPlace place, byte value)
    {
        var names = place.Names;
        if (automaton.TracksNames && (names.Phase != NamePhase.Outside || BeginsJson(place.Here, value)) && !Names.TryRead(ref names, value))
        {
            return false;
        }

        place = place with { Here = Machine.Step(place.Here, value), Names = names };
        return !place.Here.IsDead;
    }

    /// <summary>
    /// Whether the name that is being read, or that must come, can only become one that the object has. Only rules with bounded names can come to that.
    /// </summary>
    /// <param name="place">The place; its configuration is the machine's last.</param>
    public bool IsNameExhausted(in CursorPlace place)
    {
        if (!automaton.HasBoundedNames || place.Names.Phase is not (NamePhase.Name or NamePhase.NameEscape or NamePhase.BeforeName)
            || Names.LastName(place.Names) < 0)
        {
            return false;
        }

        var mark = Machine.Arena.Now;
        bool exhausted = !CanFinishName(place, 0);
        Machine.Truncate(place.Here.End);
        Machine.Arena.Release(mark);
        return exhausted;
    }

    /// <summary>Looks for a name that is new. Each dead end is a name that the object has, so there are few.</summary>
    private bool CanFinishName(in CursorPlace place, int depth)
    {
        if (depth > LongestName)
        {
            return true;
        }

        for (int i = 0; i < 256; i++)
        {
            byte value = (byte)((i + '"') & 255); // the quote first
            var next = place;
            Machine.Truncate(place.Here.End);
            if (TryRead(ref next, value) && (next.Names.Phase == NamePhase.BeforeValue || CanFinishName(next, depth + 1)))
            {
                return true;
            }
        }

        return false;
    }

    private bool BeginsJson(in Configuration here, byte value)
    {
        bool begins = false;
        for (int head = here.Begin; value is (byte)'{' or (byte)'[' && head < here.End && !begins; head++)
        {
            begins = automaton.IsJsonStart(Machine.StateOf(head));
        }

        return begins;
    }
}
