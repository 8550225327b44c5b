namespace LlmServe.Constraints.Runtime;

/// <summary>Letting go of what nothing needs any more.</summary>
internal sealed partial class StackArena
{
    private const int WorthTidying = 2048;

    private bool[] _needed = [];
    private int[] _renamed = [];

    /// <summary>Keeps what some sets need and renumbers it. Does nothing while there is little.</summary>
    /// <param name="sets">The sets; afterwards their new numbers.</param>
    public void KeepOnly(Span<int> sets)
    {
        if (Nodes + _sets < WorthTidying)
        {
            return;
        }

        if (_needed.Length < Nodes)
        {
            _needed = new bool[_returns.Length];
            _renamed = new int[_returns.Length];
        }

        MarkNeeded(sets);
        var old = (_returns[..Nodes], _below[..Nodes], _members[.._setStarts[_sets]], _setStarts[..(_sets + 1)]);
        int nodes = Nodes;
        Release(new Mark(1, 0));
        for (int node = 1; node < nodes; node++)
        {
            if (_needed[node])
            {
                _renamed[node] = Push(old.Item1[node], Rename(old.Item2[node], old.Item3, old.Item4));
            }
        }

        foreach (ref int set in sets)
        {
            set = Rename(set, old.Item3, old.Item4);
        }
    }

    private void MarkNeeded(ReadOnlySpan<int> sets)
    {
        Array.Clear(_needed);
        _needed[Bottom] = true;
        foreach (int set in sets)
        {
            MarkMembers(set);
        }

        for (int node = Nodes - 1; node > 0; node--) // what lies below a node is older than it
        {
            if (_needed[node])
            {
                MarkMembers(_below[node]);
            }
        }
    }

    private void MarkMembers(int set)
    {
        int size = Size(set);
        for (int i = 0; i < size; i++)
        {
            _needed[Member(set, i)] = true;
        }
    }

    /// <summary>The new number of a set of the old arena; its members have theirs already. Order stays, since it follows from what nodes hold.</summary>
    private int Rename(int set, int[] members, int[] starts)
    {
        if (set >= 0)
        {
            return set == Bottom ? Bottom : _renamed[set];
        }

        int count = starts[-set] - starts[-set - 1];
        if (_union.Length < count)
        {
            Array.Resize(ref _union, count * 2);
        }

        for (int i = 0; i < count; i++)
        {
            int member = members[starts[-set - 1] + i];
            _union[i] = member == Bottom ? Bottom : _renamed[member];
        }

        return Intern(count);
    }
}
