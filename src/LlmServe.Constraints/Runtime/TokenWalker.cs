using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>
/// Walks the vocabulary with a machine and collects the tokens whose bytes can come. Where one state alone is followed, and entering it has no
/// consequences, the machine is left out: then a node costs a look into the automaton's table. Not thread-safe.
/// </summary>
internal sealed class TokenWalker
{
    private const int Several = -1;

    private readonly Automaton _automaton;
    private readonly VocabularyTrie _trie;
    private readonly StackMachine _machine;
    private readonly int[] _states;               // [depth] the one state that is followed, or Several
    private readonly int[] _owners;               // [depth] the last depth that has a configuration in the machine; the stacks are the same from there on
    private readonly Configuration[] _levels;     // [depth]
    private readonly StackArena.Mark[] _marks;    // [depth]
    private readonly bool[] _isBottom;            // [depth] whether nothing lies below the one state that is followed

    /// <param name="trie">The vocabulary.</param>
    /// <param name="machine">Reads.</param>
    public TokenWalker(VocabularyTrie trie, StackMachine machine)
    {
        (_automaton, _trie, _machine) = (machine.Automaton, trie, machine);
        _states = new int[trie.MaxDepth + 1];
        _owners = new int[trie.MaxDepth + 1];
        _levels = new Configuration[trie.MaxDepth + 1];
        _marks = new StackArena.Mark[trie.MaxDepth + 1];
        _isBottom = new bool[trie.MaxDepth + 1];
    }

    /// <summary>Tokens that were collected.</summary>
    public IntList Tokens { get; } = new();

    /// <summary>Nodes with descendants at which the text that lies above the unknown was whole.</summary>
    public IntList Exits { get; } = new();

    /// <summary>Collects tokens below a node. The start must be the machine's last configuration; it stays.</summary>
    /// <param name="start">Where reading stands at the node.</param>
    /// <param name="node">The node.</param>
    /// <param name="exits">Whether nodes at which the text is whole are collected too.</param>
    public void Walk(in Configuration start, int node, bool exits)
    {
        var (bytes, depths, ends, tokens) = (_trie.Bytes, _trie.Depths, _trie.Ends, _trie.Tokens);
        var (simple, classes, classCount, fixedStates) = (_automaton.Simple, _automaton.Classes, _automaton.ClassCount, _automaton.StateCount);
        var (states, owners) = (_states, _owners);
        Own(depths[node], start);
        int end = ends[node];
        for (int at = node + 1; at < end;)
        {
            int level = depths[at];
            int from = states[level - 1];
            int state = from < 0 ? Automaton.NotSimple : from < fixedStates ? simple[(from * classCount) + classes[bytes[at]]] : Counted(from, bytes[at]);
            if (state < 0)
            {
                at = state == Automaton.NotSimple ? Enter(at, level, Follow(level - 1, bytes[at]), exits) : ends[at];
                continue;
            }

            if (state >= Automaton.Ends)
            {
                if (!_isBottom[owners[level - 1]])
                {
                    at = Enter(at, level, Follow(level - 1, bytes[at]), exits);
                    continue;
                }

                state -= Automaton.Ends;
                if (exits && ends[at] > at + 1)
                {
                    Exits.Add(at);
                }
            }

            if (tokens[at] >= 0)
            {
                AddTokens(tokens[at]);
            }

            states[level] = state;
            owners[level] = owners[level - 1];
            at++;
        }

        GoBackTo(depths[node]);
    }

    private void AddTokens(int token)
    {
        do
        {
            Tokens.Add(token);
            token = _trie.SameBytes(token);
        }
        while (token >= 0);
    }

    private int Counted(int state, byte value)
    {
        int next = _automaton.Step(state, value);
        return next >= 0 && !_automaton.IsCounted(next) ? Automaton.NotSimple : next; // the closing quote
    }

    /// <summary>The configuration after a byte from a depth on.</summary>
    private Configuration Follow(int level, byte value)
    {
        int owner = _owners[level];
        GoBackTo(owner);
        var here = owner == level ? _levels[owner] : _machine.BeginAt(_states[level], _machine.SetOf(_levels[owner].Begin));
        return _machine.Step(here, value);
    }

    /// <summary>Takes note of a node that was reached, and says where to go on.</summary>
    private int Enter(int at, int level, in Configuration here, bool exits)
    {
        if (here.IsDead)
        {
            return _trie.Ends[at];
        }

        if (_trie.Tokens[at] >= 0)
        {
            AddTokens(_trie.Tokens[at]);
        }

        if (exits && here.Complete && _trie.Ends[at] > at + 1)
        {
            Exits.Add(at);
        }

        if (here.IsOver)
        {
            return _trie.Ends[at];
        }

        Own(level, here);
        return at + 1;
    }

    private void Own(int level, in Configuration here)
    {
        _owners[level] = level;
        _levels[level] = here;
        _marks[level] = _machine.Arena.Now;
        _isBottom[level] = here.KernelEnd > here.Begin && _machine.SetOf(here.Begin) == StackArena.Bottom;
        _states[level] = here.KernelEnd - here.Begin == 1 ? _machine.StateOf(here.Begin) : Several;
    }

    private void GoBackTo(int owner)
    {
        _machine.Truncate(_levels[owner].End);
        _machine.Arena.Release(_marks[owner]);
    }
}
