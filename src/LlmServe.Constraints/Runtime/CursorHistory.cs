namespace LlmServe.Constraints.Runtime;

/// <summary>
/// The configurations after the last tokens of a sequence, oldest first, in the machine's block. Old ones are let go from time to time, and with them
/// the stacks that only they held.
/// </summary>
/// <param name="machine">Whose configurations.</param>
/// <param name="most">How many can be gone back at least.</param>
internal sealed class CursorHistory(StackMachine machine, int most)
{
    private readonly Configuration[] _past = new Configuration[2 * most]; // those before the current one
    private int _count;

    /// <summary>Takes the next configuration.</summary>
    /// <param name="here">The current one.</param>
    /// <param name="next">The next one; it may stand anywhere behind it.</param>
    /// <returns>The next one, where it stands from now on.</returns>
    public Configuration Keep(in Configuration here, in Configuration next)
    {
        _past[_count++] = here;
        var kept = machine.MoveTo(next, here.End);
        return _count == _past.Length ? LetGo(kept) : kept;
    }

    /// <summary>Goes back by some tokens.</summary>
    public Configuration GoBack(int tokens)
    {
        _count -= tokens;
        var here = _past[_count];
        machine.Truncate(here.End);
        return here;
    }

    private Configuration LetGo(in Configuration here)
    {
        int first = _past[_count - most].Begin;
        machine.DropBelow(first);
        for (int i = 0; i < most; i++)
        {
            _past[i] = _past[_count - most + i].MovedBy(-first);
        }

        _count = most;
        return here.MovedBy(-first);
    }
}
