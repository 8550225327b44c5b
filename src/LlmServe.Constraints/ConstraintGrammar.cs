using System.Text;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Rules;
using LlmServe.Constraints.Runtime;

namespace LlmServe.Constraints;

/// <summary>How a text stands to a rule.</summary>
/// <param name="Accepted">Whether it is one of the rule's texts.</param>
/// <param name="IsPrefix">Whether one of the rule's texts begins with it; every accepted text is.</param>
/// <param name="FailedAt">The first byte after which no text of the rule can follow; null if <paramref name="IsPrefix"/>.</param>
public readonly record struct ConstraintMatch(bool Accepted, bool IsPrefix, int? FailedAt);

/// <summary>A compiled rule, over bytes of UTF-8; it knows no vocabulary. Immutable and safe to share between threads.</summary>
public sealed class ConstraintGrammar
{
    private ConstraintGrammar(ConstraintRule rule, StateTable table, IReadOnlyCollection<int> namedTokens, IReadOnlyList<string> relaxed)
    {
        NamedTokens = namedTokens;
        Rule = rule;
        Table = table;
        Relaxed = relaxed;
        Automaton = new Automaton(table, UnitTable.OfAllBytes);
    }

    /// <summary>The rule.</summary>
    public ConstraintRule Rule { get; }

    /// <summary>What was left out of the rule because it asked for that (<see cref="ConstraintRule.Relax"/>): JSON pointers of keywords.</summary>
    public IReadOnlyList<string> Relaxed { get; }

    /// <summary>Number of states of the automaton.</summary>
    public int StateCount => Automaton.StateCount;

    /// <summary>Tokens that the rule names, to read them or to forbid them.</summary>
    internal IReadOnlyCollection<int> NamedTokens { get; }

    internal StateTable Table { get; }

    internal Automaton Automaton { get; }

    /// <summary>Compiles a rule.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="vocabulary">Where tokens that the rule names are found; null: a rule that names tokens is refused.</param>
    /// <param name="limits">What it may cost; null: <see cref="ConstraintLimits.Default"/>.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="ConstraintException">The rule is malformed, nothing satisfies it, it cannot be honoured, or it is too large.</exception>
    public static ConstraintGrammar Compile(
        ConstraintRule rule, ConstraintVocabulary? vocabulary = null, ConstraintLimits? limits = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rule);
        limits ??= ConstraintLimits.Default;
        var meter = new WorkMeter(limits, cancellation);
        var parsed = RuleReader.Read(rule, vocabulary, meter);
        return new ConstraintGrammar(rule, AutomatonBuilder.Build(parsed.Rules, meter), parsed.Rules.NamedTokens, parsed.Relaxed);
    }

    /// <summary>Says how a text stands to the rule.</summary>
    /// <param name="text">UTF-8; a character may be cut off at the end.</param>
    public ConstraintMatch Match(ReadOnlySpan<byte> text)
    {
        var reader = new ByteReader(Automaton);
        var place = reader.Begin();
        for (int i = 0; i < text.Length; i++)
        {
            if (!reader.TryRead(ref place, text[i]) || reader.IsNameExhausted(place))
            {
                return new ConstraintMatch(false, false, i);
            }

            place = place with { Here = reader.Machine.MoveTo(place.Here, 0) };
        }

        return new ConstraintMatch(place.Here.Complete, true, null);
    }

    /// <summary>Says how a text stands to the rule.</summary>
    public ConstraintMatch Match(string text) => Match(Encoding.UTF8.GetBytes(text));

    /// <summary>Says how a text in tokens stands to the rule, which may name tokens. Bytes are counted as the tokens' bytes.</summary>
    /// <param name="tokens">The text's tokens.</param>
    /// <param name="vocabulary">Their vocabulary; the one that the rule was compiled with.</param>
    public ConstraintMatch Match(IEnumerable<int> tokens, ConstraintVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(vocabulary);
        var reader = new ByteReader(Automaton);
        var place = reader.Begin();
        int offset = 0;
        foreach (int token in tokens)
        {
            var bytes = vocabulary.Tokenizer.BytesOf(token);
            var named = reader.Machine.StepToken(place.Here, token);
            var at = place;
            int read = 0;
            bool isText = VocabularyTrie.IsText(vocabulary.Tokenizer, token);
            while (isText && read < bytes.Length && reader.TryRead(ref at, bytes[read]))
            {
                read++;
            }

            isText &= read == bytes.Length;
            if (!isText && named.IsDead)
            {
                return new ConstraintMatch(false, false, offset + read);
            }

            var next = named.IsDead ? at.Here : isText ? reader.Machine.Join(named, at.Here) : named;
            place = (isText ? at : place) with { Here = reader.Machine.MoveTo(next, 0) };
            offset += bytes.Length;
        }

        return new ConstraintMatch(place.Here.Complete, true, null);
    }
}
