using System.Diagnostics;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Runtime;
using LlmServe.Text;

namespace LlmServe.Constraints;

/// <summary>
/// A rule compiled for a vocabulary: what each sequence that must satisfy it starts from. Shared between sequences and threads; what is worked out for
/// one sequence serves all. Which tokens it allows is a function of the rule, the vocabulary and the tokens so far, and of nothing else.
/// </summary>
public sealed class TokenConstraint
{
    private readonly TokenSet?[] _sets; // [states] filled as they are needed
    private readonly long _mostSetBytes;
    private long _setBytes;

    private TokenConstraint(ConstraintGrammar grammar, ConstraintVocabulary vocabulary, long mostSetBytes)
    {
        Grammar = grammar;
        Vocabulary = vocabulary;
        Automaton = ForVocabulary(grammar, vocabulary);
        Divider = new RunDivider(vocabulary);
        Forced = new ForcedTokens(Automaton, vocabulary.Size, Divider);
        NotText = [.. grammar.NamedTokens.Where(id => vocabulary.Tokenizer.KindOf(id) == TokenKind.UserDefined).Order()];
        Preamble = grammar.Rule.Preamble is { } preamble ? new PreambleMark(preamble) : null;
        _sets = new TokenSet?[Automaton.StateCount];
        _mostSetBytes = mostSetBytes;
    }

    /// <summary>The rule over bytes.</summary>
    public ConstraintGrammar Grammar { get; }

    /// <summary>The vocabulary.</summary>
    public ConstraintVocabulary Vocabulary { get; }

    /// <summary>What was left out of the rule because it asked for that: JSON pointers of keywords.</summary>
    public IReadOnlyList<string> Relaxed => Grammar.Relaxed;

    /// <summary>Memory in bytes that the constraint holds now, for all its sequences.</summary>
    public long Bytes => Automaton.Bytes + Interlocked.Read(ref _setBytes) + 8L * _sets.Length;

    internal Automaton Automaton { get; }

    internal ForcedTokens Forced { get; }

    internal RunDivider Divider { get; }

    /// <summary>User-defined tokens that the rule names: they are not text then, although they have bytes. Ascending.</summary>
    internal int[] NotText { get; }

    internal PreambleMark? Preamble { get; }

    /// <summary>Prepares a compiled rule for a vocabulary.</summary>
    /// <param name="grammar">The rule.</param>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="ahead">Time that may be spent on working out tokens ahead of the sequences; what is left is worked out when it is needed.</param>
    /// <param name="mostSetBytes">Most memory for what has been worked out; beyond it, it is worked out each time.</param>
    /// <exception cref="ConstraintException">The vocabulary cannot write any text of the rule.</exception>
    public static TokenConstraint Create(ConstraintGrammar grammar, ConstraintVocabulary vocabulary, TimeSpan ahead = default, long mostSetBytes = 32 << 20)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        ArgumentNullException.ThrowIfNull(vocabulary);
        var constraint = new TokenConstraint(grammar, vocabulary, mostSetBytes);
        constraint.WorkAhead(ahead);
        return constraint;
    }

    /// <summary>A reader for one sequence, before its first token.</summary>
    public ConstraintCursor Start() => new(this);

    /// <summary>What a state allows. Worked out by the caller's walker if it has not been before.</summary>
    internal TokenSet SetOf(int state, TokenWalker walker, StackMachine machine)
    {
        if (Automaton.IsCounted(state))
        {
            var key = Automaton.RegionOf(state).KeyOf(state, Vocabulary.Trie.MaxDepth);
            return Vocabulary.CountedSets.Find(key) ?? Vocabulary.CountedSets.Keep(key, WorkOut(state, walker, machine));
        }

        if (Volatile.Read(ref _sets[state]) is { } known)
        {
            return known;
        }

        var made = WorkOut(state, walker, machine);
        if (Interlocked.Read(ref _setBytes) + made.Bytes <= _mostSetBytes && Interlocked.CompareExchange(ref _sets[state], made, null) is null)
        {
            Interlocked.Add(ref _setBytes, made.Bytes);
        }

        return made;
    }

    private TokenSet WorkOut(int state, TokenWalker walker, StackMachine machine)
    {
        walker.Tokens.Clear();
        walker.Exits.Clear();
        var mark = machine.Arena.Now;
        var start = machine.BeginAt(state);
        walker.Walk(start, VocabularyTrie.Root, exits: Automaton.IsCalled(state));
        machine.Truncate(start.Begin);
        machine.Arena.Release(mark);
        return new TokenSet(walker.Tokens.Items, walker.Exits.Items, Vocabulary.Size);
    }

    private static Automaton ForVocabulary(ConstraintGrammar grammar, ConstraintVocabulary vocabulary)
    {
        bool[] usable = vocabulary.Trie.Usable;
        bool isWhole = grammar.Table.Bytes.TrueForAll(edge => usable.AsSpan(edge.Low, edge.High - edge.Low + 1).IndexOf(false) < 0);
        var table = isWhole ? grammar.Table : grammar.Table.Trim(usable);
        return table.RuleStart[table.Root] >= 0
            ? new Automaton(table, vocabulary.Units) : throw new ConstraintException("the rule", "the model's vocabulary has no tokens to write a text of it");
    }

    private void WorkAhead(TimeSpan most)
    {
        long begun = Stopwatch.GetTimestamp();
        var machine = new StackMachine(Automaton);
        var walker = new TokenWalker(Vocabulary.Trie, machine);
        for (int state = 0; state < Automaton.StateCount && Stopwatch.GetElapsedTime(begun) < most; state++)
        {
            SetOf(state, walker, machine);
        }
    }
}
