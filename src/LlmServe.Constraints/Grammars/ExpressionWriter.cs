using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Grammars;

/// <summary>Writes expressions into the rules of a set.</summary>
/// <param name="rules">The set; repeated parts may become rules of their own in it.</param>
/// <param name="meter">Counts the work.</param>
internal sealed class ExpressionWriter(RuleSet rules, WorkMeter meter)
{
    // A repeated part of more than this is written once, as a rule, and called.
    private const int LargestCopy = 24;

    /// <summary>Makes an expression a rule's whole text.</summary>
    public void WriteRule(int rule, Expression expression) => Write(rule, RuleGraph.Start, expression, RuleGraph.End);

    /// <summary>Adds paths that read an expression.</summary>
    public void Write(int rule, int from, Expression expression, int to)
    {
        meter.Add(1);
        var graph = rules[rule];
        meter.CheckStates(graph.StateCount, $"rule {graph.Name}");
        switch (expression)
        {
            case Expression.Chars chars:
                new Utf8Graph(graph).Add(from, chars.Set, to);
                break;
            case Expression.Literal literal:
                graph.AddLiteral(from, literal.Value, to);
                break;
            case Expression.Text text:
                LanguageWriter.AddText(graph, from, text.Language, to);
                break;
            case Expression.Tokens tokens:
                foreach (int id in tokens.Ids)
                {
                    rules.NamedTokens.Add(id);
                    graph.AddToken(from, id, to);
                }

                break;
            case Expression.Reference reference:
                graph.AddCall(from, reference.Rule, to);
                break;
            case Expression.Alternation alternation:
                foreach (var part in alternation.Parts)
                {
                    Write(rule, from, part, to);
                }

                break;
            case Expression.Sequence sequence:
                WriteSequence(rule, from, sequence.Parts, to);
                break;
            case Expression.Repeat repeat:
                WriteRepeat(rule, from, repeat, to);
                break;
        }
    }

    private void WriteSequence(int rule, int from, IReadOnlyList<Expression> parts, int to)
    {
        if (parts.Count == 0)
        {
            rules[rule].AddEmpty(from, to);
        }

        for (int i = 0; i < parts.Count; i++)
        {
            int next = i == parts.Count - 1 ? to : rules[rule].AddState();
            Write(rule, from, parts[i], next);
            from = next;
        }
    }

    private void WriteRepeat(int rule, int from, Expression.Repeat repeat, int to)
    {
        var graph = rules[rule];
        int copies = Math.Max(repeat.Least, repeat.Most ?? 0);
        if (copies > meter.Limits.MaxRepetition)
        {
            throw new ConstraintException($"rule {graph.Name}", $"it repeats something {copies} times; at most {meter.Limits.MaxRepetition} are allowed");
        }

        var part = copies > 2 && SizeOf(repeat.Part) > LargestCopy ? Outline(graph.Name, repeat.Part) : repeat.Part;
        for (int i = 0; i < repeat.Least; i++)
        {
            int next = graph.AddState();
            Write(rule, from, part, next);
            from = next;
        }

        if (repeat.Most is null)
        {
            int loop = graph.AddState();
            graph.AddEmpty(from, loop);
            Write(rule, loop, part, loop);
            graph.AddEmpty(loop, to);
            return;
        }

        for (int i = repeat.Least; i < repeat.Most; i++)
        {
            graph.AddEmpty(from, to);
            int next = graph.AddState();
            Write(rule, from, part, next);
            from = next;
        }

        graph.AddEmpty(from, to);
    }

    private Expression.Reference Outline(string name, Expression part)
    {
        int rule = rules.Add(name);
        WriteRule(rule, part);
        return new Expression.Reference(rule);
    }

    private static int SizeOf(Expression expression) => expression switch
    {
        Expression.Literal literal => literal.Value.Length,
        Expression.Chars chars => chars.Set.Ranges.Length + (chars.Set.IsEmpty || chars.Set.Ranges[^1].High < 0x80 ? 0 : 12),
        Expression.Text text => text.Language.StateCount * 4,
        Expression.Tokens tokens => tokens.Ids.Count,
        Expression.Sequence sequence => sequence.Parts.Aggregate(0, (sum, part) => Math.Min(sum + SizeOf(part), 1 << 20)),
        Expression.Alternation alternation => alternation.Parts.Aggregate(0, (sum, part) => Math.Min(sum + SizeOf(part), 1 << 20)),
        Expression.Repeat repeat => (int)Math.Min(1L << 20, (long)SizeOf(repeat.Part) * Math.Max(1, repeat.Most ?? repeat.Least + 1)),
        _ => 1,
    };
}
