using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>Finds tokens that must come whatever the model says. Shared between sequences.</summary>
internal sealed class ForcedTokens
{
    private const int LongestRun = 256;
    private const short None = UnitTable.None;  // no byte can come
    private const short Several = UnitTable.Several; // more than one can

    private readonly Automaton _automaton;
    private readonly RunDivider _divider;
    private readonly short[] _onlyByte; // [states] the one byte that can come
    private readonly int[][] _single;   // [vocabulary] lists of one token, made when needed

    /// <param name="automaton">The automaton.</param>
    /// <param name="vocabularySize">Number of token ids.</param>
    /// <param name="divider">Divides bytes into tokens.</param>
    public ForcedTokens(Automaton automaton, int vocabularySize, RunDivider divider)
    {
        _automaton = automaton;
        _divider = divider;
        _single = automaton.HasAnyTokens ? new int[vocabularySize][] : [];
        int[] sizes = new int[automaton.ClassCount];
        foreach (byte value in automaton.Classes)
        {
            sizes[value]++;
        }

        _onlyByte = new short[automaton.StateCount];
        for (int state = 0; state < _onlyByte.Length; state++)
        {
            _onlyByte[state] = FindOnlyByte(state, sizes);
        }
    }

    /// <summary>The tokens that must follow a configuration.</summary>
    /// <param name="machine">Its machine, which is left with configurations on top.</param>
    /// <param name="here">The configuration.</param>
    public ReadOnlySpan<int> After(StackMachine machine, in Configuration here)
    {
        Span<byte> run = stackalloc byte[LongestRun];
        int length = 0;
        var at = here;
        short only;
        while ((only = OnlyByte(machine, at)) >= 0 && length < LongestRun)
        {
            run[length++] = (byte)only;
            at = machine.Step(at, (byte)only);
        }

        // Where no byte can follow, the end or a token of its own does: the division is final up to there.
        bool closed = only == None && (!at.Complete || at.IsOver);
        if (length > 0)
        {
            return _divider.Divide(run[..length], closed);
        }

        int token = closed ? OnlyToken(machine, at) : -1;
        return token < 0 ? [] : _single[token] ??= [token];
    }

    private short FindOnlyByte(int state, int[] sizes)
    {
        short only = None;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (_automaton.Next[(state * sizes.Length) + i] >= 0)
            {
                only = only != None || sizes[i] > 1 ? Several : (short)Array.IndexOf(_automaton.Classes, (byte)i);
            }
        }

        return only;
    }

    /// <summary>The one byte that can come; <see cref="Several"/> also where the end or a token could come instead.</summary>
    private short OnlyByte(StackMachine machine, in Configuration at)
    {
        short only = None;
        bool other = at.Complete;
        for (int head = at.Begin; head < at.End; head++)
        {
            int state = machine.StateOf(head);
            short here = _automaton.IsCounted(state) ? _automaton.RegionOf(state).OnlyByte(state) : _onlyByte[state];
            other |= _automaton.HasTokens(state);
            if (here == Several || (here >= 0 && only >= 0 && here != only))
            {
                return Several;
            }

            only = here >= 0 ? here : only;
        }

        return other && only >= 0 ? Several : only;
    }

    private int OnlyToken(StackMachine machine, in Configuration at)
    {
        int only = -1;
        for (int head = at.Begin; head < at.End; head++)
        {
            foreach (var edge in _automaton.Tokens(machine.StateOf(head)))
            {
                if (only >= 0 && edge.Token != only)
                {
                    return -1;
                }

                only = edge.Token;
            }
        }

        return only;
    }
}
