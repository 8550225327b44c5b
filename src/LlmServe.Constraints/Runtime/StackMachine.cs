using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>
/// Reads bytes with an automaton and a set of stacks: every way in which the text so far can be read is followed, and ways that meet are joined.
/// Configurations stand one after the other in one block and are given back in the opposite order. Not thread-safe.
/// </summary>
/// <param name="automaton">The automaton.</param>
internal sealed class StackMachine(Automaton automaton)
{
    /// <summary>Most states that are followed side by side; of more, those that were met first are kept, which shortens the language.</summary>
    public const int MostHeads = 512;

    private const int FewNodes = 4;

    private int[] _states = new int[64]; // [heads] the state on top
    private int[] _sets = new int[64];   // [heads] the nodes below it
    private int[] _popped = new int[64]; // [heads] the set whose returns have been followed
    private int _top;

    /// <summary>The automaton.</summary>
    public Automaton Automaton => automaton;

    /// <summary>The stacks.</summary>
    public StackArena Arena { get; } = new();

    /// <summary>Memory in bytes.</summary>
    public long Bytes => Arena.Bytes + 12L * _states.Length;

    /// <summary>The state of a head.</summary>
    public int StateOf(int head) => _states[head];

    /// <summary>The nodes below a head.</summary>
    public int SetOf(int head) => _sets[head];

    /// <summary>The configuration before the first byte of a text.</summary>
    public Configuration Begin()
    {
        int begin = _top;
        AddHead(begin, automaton.RootStart, StackArena.Bottom);
        return Close(begin, automaton.RootNullable);
    }

    /// <summary>The configuration in one state, whatever it accepts; <see cref="StackArena.Bottom"/> stands for what is not known to lie below.</summary>
    public Configuration BeginAt(int state, int set = StackArena.Bottom)
    {
        int begin = _top;
        AddHead(begin, state, set);
        return Expand(begin, complete: false);
    }

    /// <summary>The configuration after a byte; dead if the byte cannot come.</summary>
    public Configuration Step(in Configuration from, byte value)
    {
        int begin = _top;
        for (int head = from.Begin; head < from.End; head++)
        {
            int next = automaton.Step(_states[head], value);
            if (next >= 0)
            {
                AddHead(begin, next, _sets[head]);
            }
        }

        return Close(begin, complete: false);
    }

    /// <summary>The configuration after a token that rules name; dead if none names it here.</summary>
    public Configuration StepToken(in Configuration from, int token)
    {
        int begin = _top;
        for (int head = from.Begin; head < from.End; head++)
        {
            foreach (var edge in automaton.Tokens(_states[head]))
            {
                if (edge.Token == token)
                {
                    AddHead(begin, edge.To, _sets[head]);
                }
            }
        }

        return Close(begin, complete: false);
    }

    /// <summary>The configuration after the rule has ended that lies above a set of nodes.</summary>
    public Configuration Return(int set)
    {
        int begin = _top;
        bool complete = FollowReturns(begin, set);
        return Close(begin, complete);
    }

    /// <summary>Both of two configurations, of which the second was made last; it is replaced.</summary>
    public Configuration Join(in Configuration first, in Configuration second)
    {
        int begin = second.Begin;
        _top = second.KernelEnd;
        for (int head = first.Begin; head < first.KernelEnd; head++)
        {
            AddHead(begin, _states[head], _sets[head]);
        }

        return Expand(begin, first.Complete || second.Complete);
    }

    /// <summary>Gives back all configurations from a place on.</summary>
    public void Truncate(int top) => _top = top;

    /// <summary>Whether two configurations are the same.</summary>
    public bool AreEqual(in Configuration left, in Configuration right) =>
        left.Complete == right.Complete
        && _states.AsSpan(left.Begin, left.KernelEnd - left.Begin).SequenceEqual(_states.AsSpan(right.Begin, right.KernelEnd - right.Begin))
        && _sets.AsSpan(left.Begin, left.KernelEnd - left.Begin).SequenceEqual(_sets.AsSpan(right.Begin, right.KernelEnd - right.Begin));

    /// <summary>Copies a configuration to a place, over all that stands from there on.</summary>
    public Configuration MoveTo(in Configuration from, int place)
    {
        int count = from.End - from.Begin;
        EnsureRoom(place + count);
        Array.Copy(_states, from.Begin, _states, place, count);
        Array.Copy(_sets, from.Begin, _sets, place, count);
        _top = place + count;
        return new Configuration(place, place + from.KernelEnd - from.Begin, _top, from.Complete);
    }

    /// <summary>Lets go of all heads below a place, and of the stacks that only they held.</summary>
    public void DropBelow(int first)
    {
        Array.Copy(_states, first, _states, 0, _top - first);
        Array.Copy(_sets, first, _sets, 0, _top - first);
        _top -= first;
        Arena.KeepOnly(_sets.AsSpan(0, _top));
    }

    private Configuration Close(int begin, bool complete)
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int head = begin; head < _top; head++)
            {
                if (_popped[head] != _sets[head] && automaton.IsAccepting(_states[head]))
                {
                    int set = _sets[head];
                    _popped[head] = set;
                    complete |= FollowReturns(begin, set);
                    changed = true;
                }
            }
        }

        return Expand(begin, complete);
    }

    private bool FollowReturns(int begin, int set)
    {
        bool complete = false;
        int size = Arena.Size(set);
        for (int i = 0; i < size; i++)
        {
            int node = Arena.Member(set, i);
            int state = Arena.ReturnOf(node);
            if (node == StackArena.Bottom)
            {
                complete = true;
            }
            else if (size <= FewNodes)
            {
                AddHead(begin, state, Arena.Below(node));
            }
            else if (IsFirstReturningTo(set, state, i))
            {
                AddHead(begin, state, Arena.BelowReturning(set, state));
            }
        }

        return complete;
    }

    private bool IsFirstReturningTo(int set, int state, int index)
    {
        for (int i = 0; i < index; i++)
        {
            if (Arena.ReturnOf(Arena.Member(set, i)) == state)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Leaves out heads from which nothing is read, puts the others in order, and adds the starts of the rules that they call.</summary>
    private Configuration Expand(int begin, bool complete)
    {
        int kernelEnd = begin;
        bool calls = false;
        for (int head = begin; head < _top; head++)
        {
            int state = _states[head];
            if (automaton.Continues(state))
            {
                int set = _sets[head];
                int place = kernelEnd++;
                for (; place > begin && _states[place - 1] > state; place--)
                {
                    (_states[place], _sets[place]) = (_states[place - 1], _sets[place - 1]);
                }

                (_states[place], _sets[place]) = (state, set);
                calls |= automaton.HasCalls(state);
            }
        }

        _top = kernelEnd;
        if (calls)
        {
            AddCalled(begin, kernelEnd);
        }

        return new Configuration(begin, kernelEnd, _top, complete);
    }

    /// <summary>Starts stand in an order in which each comes after all that call it, so that what lies below it is known when it is its turn.</summary>
    private void AddCalled(int begin, int kernelEnd)
    {
        for (int head = begin; head < _top; head++)
        {
            int set = _sets[head];
            foreach (var call in automaton.Calls(_states[head]))
            {
                int below = automaton.IsLast(call.To) ? set : Arena.Push(call.To, set);
                AddStart(kernelEnd, automaton.RuleStart[call.Rule], below);
            }
        }
    }

    private void AddStart(int kernelEnd, int state, int set)
    {
        int order = automaton.StartOrder(state);
        int place = _top;
        while (place > kernelEnd && automaton.StartOrder(_states[place - 1]) >= order)
        {
            place--;
            if (_states[place] == state)
            {
                _sets[place] = Arena.Union(_sets[place], set);
                return;
            }
        }

        EnsureRoom(_top + 1);
        Array.Copy(_states, place, _states, place + 1, _top - place);
        Array.Copy(_sets, place, _sets, place + 1, _top - place);
        (_states[place], _sets[place]) = (state, set);
        _top++;
    }

    private void AddHead(int begin, int state, int set)
    {
        for (int head = begin; head < _top; head++)
        {
            if (_states[head] == state)
            {
                _sets[head] = Arena.Union(_sets[head], set);
                return;
            }
        }

        if (_top - begin < MostHeads)
        {
            EnsureRoom(_top + 1);
            (_states[_top], _sets[_top], _popped[_top]) = (state, set, int.MinValue);
            _top++;
        }
    }

    private void EnsureRoom(int heads)
    {
        if (heads > _states.Length)
        {
            Array.Resize(ref _states, heads * 2);
            Array.Resize(ref _sets, heads * 2);
            Array.Resize(ref _popped, heads * 2);
        }
    }
}
