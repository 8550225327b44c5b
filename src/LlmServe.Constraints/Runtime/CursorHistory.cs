namespace LlmServe.Constraints.Runtime;

/// <summary>
/// The places of a cursor after the last tokens, oldest first; their configurations stand in the machine's block. Old ones are let go from time to time,
/// and with them the stacks that only they held.
/// </summary>
/// <param name="machine">Whose configurations.</param>
/// <param name="most">How many can be gone back at least.</param>
internal sealed class CursorHistory(StackMachine machine, int most)
{
    private readonly CursorPlace[] _past = new CursorPlace[2 * most]; // those before the current one
    private int _count;

    /// <summary>Takes the next place.</summary>
    /// <param name="now">The current one.</param>
    /// <param name="next">The next one; its configuration may stand anywhere behind the current one's.</param>
    /// <returns>The next one, with its configuration where it stands from now on.</returns>
    public CursorPlace Keep(in CursorPlace now, in CursorPlace next)
    {
        _past[_count++] = now;
        var kept = next with { Here = machine.MoveTo(next.Here, now.Here.End) };
        return _count == _past.Length ? LetGo(kept) : kept;
    }

    /// <summary>Goes back by some tokens.</summary>
    public CursorPlace GoBack(int tokens)
    {
        _count -= tokens;
        var place = _past[_count];
        machine.Truncate(place.Here.End);
        return place;
    }

    private CursorPlace LetGo(in CursorPlace now)
    {
        int first = _past[_count - most].Here.Begin;
        machine.DropBelow(first);
        for (int i = 0; i < most; i++)
        {
            var place = _past[_count - most + i];
            _past[i] = place with { Here = place.Here.MovedBy(-first) };
        }

        _count = most;
        return now with { Here = now.Here.MovedBy(-first) };
    }
}
