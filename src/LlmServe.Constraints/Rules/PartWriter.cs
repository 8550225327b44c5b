using System.Text;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Runtime;

namespace LlmServe.Constraints.Rules;

/// <summary>Writes the parts of a rule.</summary>
/// <param name="rules">Where to.</param>
/// <param name="vocabulary">The vocabulary of tokens that are named; null: none may be.</param>
/// <param name="ruleOf">Makes a rule of a part that is written in a notation.</param>
/// <param name="meter">Counts the work.</param>
internal sealed class PartWriter(RuleSet rules, ConstraintVocabulary? vocabulary, Func<ConstraintPart, int> ruleOf, WorkMeter meter)
{
    private int _depth;

    /// <summary>Makes a part a rule's whole text.</summary>
    public void WriteRule(int rule, ConstraintPart part) => Write(rules[rule], RuleGraph.Start, part, RuleGraph.End);

    /// <summary>Makes free text, the mark that ends it, and another rule a rule's whole text; or that rule alone, where a mark must begin the free text.</summary>
    public void WritePreamble(int rule, ConstraintPreamble preamble, int proper)
    {
        var graph = rules[rule];
        int ended = graph.AddState();
        int begun = RuleGraph.Start;
        if (preamble.Start is { } start)
        {
            begun = graph.AddState();
            graph.AddCall(RuleGraph.Start, proper, RuleGraph.End);
            Write(graph, RuleGraph.Start, new ConstraintPart.Sequence(Space(PreambleMark.MostSpace), start), begun);
        }

        if (preamble.End is ConstraintPart.Literal literal)
        {
            AddTextWithout(graph, begun, [literal.Text], graph.AddState(), ended);
        }
        else
        {
            int free = graph.AddState();
            AddTextWithout(graph, begun, [], free);
            Write(graph, free, preamble.End, ended);
        }

        int spaced = graph.AddState();
        Write(graph, ended, Space(preamble.MostSpace), spaced);
        graph.AddCall(spaced, proper, RuleGraph.End);
    }

    private static ConstraintPart Space(int most) => new ConstraintPart.Regex($"[ \\n]{{0,{most}}}");

    private void Write(RuleGraph graph, int from, ConstraintPart part, int to)
    {
        meter.Add(1);
        if (++_depth > meter.Limits.MaxDepth)
        {
            throw new ConstraintException("the parts", $"they are nested more than {meter.Limits.MaxDepth} deep");
        }

        switch (part)
        {
            case ConstraintPart.Literal literal:
                graph.AddLiteral(from, literal.Text, to);
                break;
            case ConstraintPart.Token token:
                CheckToken(token.Id);
                graph.AddToken(from, token.Id, to);
                break;
            case ConstraintPart.Sequence sequence:
                AddSequence(graph, from, sequence.Parts, to);
                break;
            case ConstraintPart.OneOf oneOf:
                foreach (var one in oneOf.Parts)
                {
                    Write(graph, from, one, to);
                }

                break;
            case ConstraintPart.Repeat repeat:
                AddRepeat(graph, from, repeat, to);
                break;
            case ConstraintPart.TextWithout text:
                foreach (int id in text.Tokens)
                {
                    CheckToken(id);
                }

                AddTextWithout(graph, from, text.Texts, to);
                break;
            default:
                graph.AddCall(from, ruleOf(part), to);
                break;
        }

        _depth--;
    }

    private void CheckToken(int id)
    {
        rules.NamedTokens.Add(id);
        if (vocabulary is null || id < 0 || id >= vocabulary.Size)
        {
            throw new ConstraintException("the parts", vocabulary is null
                ? $"token {id} is named, and no model is given" : $"token {id} is named; the model's vocabulary has {vocabulary.Size} tokens");
        }
    }

    private void AddSequence(RuleGraph graph, int from, IReadOnlyList<ConstraintPart> parts, int to)
    {
        if (parts.Count == 0)
        {
            graph.AddEmpty(from, to);
        }

        for (int i = 0; i < parts.Count; i++)
        {
            int next = i == parts.Count - 1 ? to : graph.AddState();
            Write(graph, from, parts[i], next);
            from = next;
        }
    }

    private void AddRepeat(RuleGraph graph, int from, ConstraintPart.Repeat repeat, int to)
    {
        int copies = Math.Max(repeat.Least, repeat.Most ?? 0);
        if (repeat.Least < 0 || repeat.Most < repeat.Least || copies > meter.Limits.MaxRepetition)
        {
            throw new ConstraintException(
                "the parts", $"a repetition from {repeat.Least} to {repeat.Most?.ToString() ?? "any"} times; 0 ≤ least ≤ most ≤ {meter.Limits.MaxRepetition} must hold");
        }

        int rule = rules.Add("the parts");
        WriteRule(rule, repeat.Part);
        for (int i = 0; i < copies; i++)
        {
            if (i >= repeat.Least)
            {
                graph.AddEmpty(from, to);
            }

            int next = graph.AddState();
            graph.AddCall(from, rule, next);
            from = next;
        }

        if (repeat.Most is null)
        {
            int loop = graph.AddState();
            graph.AddEmpty(from, loop);
            graph.AddCall(loop, rule, loop);
            from = loop;
        }

        graph.AddEmpty(from, to);
    }

    /// <summary>Any bytes in which no text occurs: a state is the longest beginning of a text with which the bytes end (Aho and Corasick, 1975).</summary>
    /// <param name="graph">The rule.</param>
    /// <param name="from">Before the text.</param>
    /// <param name="texts">What must not occur.</param>
    /// <param name="to">Behind the text.</param>
    /// <param name="found">Where it leads when one occurs after all; −1: nowhere.</param>
    private void AddTextWithout(RuleGraph graph, int from, IReadOnlyList<string> texts, int to, int found = -1)
    {
        byte[][] wanted = [.. texts.Select(Encoding.UTF8.GetBytes)];
        if (wanted.Any(text => text.Length == 0))
        {
            throw new ConstraintException("the parts", "a text that may not occur is empty");
        }

        var states = new Dictionary<string, int> { [""] = graph.AddState() };
        var waiting = new Queue<string>([""]);
        graph.AddEmpty(from, states[""]);
        while (waiting.TryDequeue(out string? read))
        {
            graph.AddEmpty(states[read], to);
            AddStretches(graph, states[read], value => Next(read, value));
        }

        // Bytes are kept as characters of the same number.
        int Next(string read, int value)
        {
            string now = read + (char)value;
            if (wanted.Any(text => Ends(now, text)))
            {
                return found;
            }

            string kept = Enumerable.Range(0, now.Length + 1).Select(start => now[start..])
                .First(rest => rest.Length == 0 || wanted.Any(text => Begins(text, rest)));
            if (!states.TryGetValue(kept, out int state))
            {
                meter.Add(256);
                states.Add(kept, state = graph.AddState());
                waiting.Enqueue(kept);
            }

            return state;
        }
    }

    private static bool Begins(byte[] text, string rest) => rest.Length <= text.Length && rest.Select((c, i) => text[i] == c).All(same => same);

    private static bool Ends(string read, byte[] text) => read.Length >= text.Length && text.Select((b, i) => read[read.Length - text.Length + i] == b).All(same => same);

    /// <summary>Adds edges over the bytes, one for each stretch that leads to the same state.</summary>
    private static void AddStretches(RuleGraph graph, int from, Func<int, int> next)
    {
        int[] targets = [.. Enumerable.Range(0, 256).Select(next)];
        for (int low = 0; low < 256;)
        {
            int high = low;
            while (high < 255 && targets[high + 1] == targets[low])
            {
                high++;
            }

            if (targets[low] >= 0)
            {
                graph.AddBytes(from, (byte)low, (byte)high, targets[low]);
            }

            low = high + 1;
        }
    }
}
