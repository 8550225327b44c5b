namespace LlmServe.Constraints.Runtime;

/// <summary>Finds the tokens that may come at a place. Not thread-safe.</summary>
internal sealed class MaskBuilder
{
    private readonly TokenConstraint _constraint;
    private readonly StackMachine _machine;
    private readonly TokenWalker _walker;
    private readonly NameFilter? _names;

    /// <param name="constraint">What tokens must satisfy.</param>
    /// <param name="reader">The sequence's reader.</param>
    public MaskBuilder(TokenConstraint constraint, TokenReader reader)
    {
        _constraint = constraint;
        _machine = reader.Bytes.Machine;
        _walker = new TokenWalker(constraint.Vocabulary.Trie, _machine);
        _names = constraint.Automaton.TracksNames ? new NameFilter(constraint.Vocabulary, reader) : null;
    }

    /// <summary>Fills a mask with the tokens that may come next, those that end a generation included.</summary>
    /// <param name="place">The place; its configuration is the machine's last.</param>
    /// <param name="mask">[(vocabulary + 63) / 64]</param>
    public void Fill(in CursorPlace place, Span<ulong> mask)
    {
        var here = place.Here;
        for (int head = here.Begin; head < here.KernelEnd; head++)
        {
            var set = _constraint.SetOf(_machine.StateOf(head), _walker, _machine);
            set.AddTo(mask);
            if (set.Exits.Length > 0)
            {
                AddBeyond(here, set.Exits, _machine.SetOf(head), mask);
            }
        }

        foreach (int token in _constraint.NotText)
        {
            mask[token >> 6] &= ~(1UL << token);
        }

        _names?.Remove(place, mask);
        AddNamedTokens(here, mask);
        if (here.Complete)
        {
            Allow(mask, _constraint.Vocabulary.EndTokens);
        }
    }

    private static void Allow(Span<ulong> mask, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            mask[token >> 6] |= 1UL << token;
        }
    }

    /// <summary>Adds tokens in which a rule ends and what lies below it goes on.</summary>
    private void AddBeyond(in Configuration here, int[] exits, int set, Span<ulong> mask)
    {
        var mark = _machine.Arena.Now;
        var beyond = _machine.Return(set);
        if (!beyond.IsOver)
        {
            var trie = _constraint.Vocabulary.Trie;
            foreach (int node in exits)
            {
                if (!trie.HasAllBelow(node, mask))
                {
                    _walker.Tokens.Clear();
                    _walker.Walk(beyond, node, exits: false);
                    Allow(mask, _walker.Tokens.Items);
                }
            }
        }

        _machine.Truncate(here.End);
        _machine.Arena.Release(mark);
    }

    private void AddNamedTokens(in Configuration here, Span<ulong> mask)
    {
        for (int head = here.Begin; head < here.End; head++)
        {
            if (_machine.Automaton.HasTokens(_machine.StateOf(head)))
            {
                foreach (var edge in _machine.Automaton.Tokens(_machine.StateOf(head)))
                {
                    mask[edge.Token >> 6] |= 1UL << edge.Token;
                }
            }
        }
    }
}
