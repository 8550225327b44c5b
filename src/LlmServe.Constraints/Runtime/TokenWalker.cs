using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>Walks the vocabulary with a machine and collects the tokens whose bytes can come. Not thread-safe.</summary>
internal sealed class TokenWalker
{
    private readonly Automaton _automaton;
    private readonly VocabularyTrie _trie;
    private readonly StackMachine _machine;
    private readonly Configuration[] _levels;     // [depth] where reading stands after so many bytes
    private readonly StackArena.Mark[] _marks;    // [depth]

    /// <param name="trie">The vocabulary.</param>
    /// <param name="machine">Reads.</param>
    public TokenWalker(VocabularyTrie trie, StackMachine machine)
    {
        (_automaton, _trie, _machine) = (machine.Automaton, trie, machine);
        _levels = new Configuration[trie.MaxDepth + 1];
        _marks = new StackArena.Mark[trie.MaxDepth + 1];
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
        var (bytes, depths, ends) = (_trie.Bytes, _trie.Depths, _trie.Ends);
        var (next, classes, classCount) = (_automaton.Next, _automaton.Classes, _automaton.ClassCount);
        int depth = depths[node];
        _levels[depth] = start;
        _marks[depth] = _machine.Arena.Now;
        int end = ends[node];
        for (int at = node + 1; at < end;)
        {
            int level = depths[at];
            var above = _levels[level - 1];
            Configuration here;
            if (above.End - above.Begin == 1)
            {
                int state = next[_machine.StateOf(above.Begin) * classCount + classes[bytes[at]]];
                if (state < 0)
                {
                    at = ends[at];
                    continue;
                }

                int set = _machine.SetOf(above.Begin);
                GoBackTo(above, level - 1);
                here = _automaton.IsPlain(state) ? _machine.AddPlain(state, set) : _machine.Step(above, bytes[at]);
            }
            else
            {
                GoBackTo(above, level - 1);
                here = _machine.Step(above, bytes[at]);
            }

            at = Enter(at, level, here, exits);
        }

        GoBackTo(start, depth);
    }

    /// <summary>Takes note of a node that was reached, and says where to go on.</summary>
    private int Enter(int at, int level, in Configuration here, bool exits)
    {
        if (here.IsDead)
        {
            return _trie.Ends[at];
        }

        for (int token = _trie.Tokens[at]; token >= 0; token = _trie.SameBytes(token))
        {
            Tokens.Add(token);
        }

        if (exits && here.Complete && _trie.Ends[at] > at + 1)
        {
            Exits.Add(at);
        }

        if (here.IsOver)
        {
            return _trie.Ends[at];
        }

        _levels[level] = here;
        _marks[level] = _machine.Arena.Now;
        return at + 1;
    }

    private void GoBackTo(in Configuration above, int level)
    {
        _machine.Truncate(above.End);
        _machine.Arena.Release(_marks[level]);
    }
}
