using System.Text;

namespace LlmServe.Constraints.Tests;

/// <summary>
/// A random grammar that knows its own language: it writes itself as GBNF, and says by exhaustive search, in no way as the automaton does, whether a text
/// belongs to it. Rules refer to one another only behind a character, so that none begins with itself.
/// </summary>
internal sealed class RandomGrammar
{
    private const string Letters = "abcé日😀";

    private readonly Random _random;
    private readonly Node[] _rules;
    private Dictionary<(Node, int), HashSet<int>> _ends = [];

    public RandomGrammar(int seed)
    {
        _random = new Random(seed);
        int count = 1 + _random.Next(4);
        _rules = new Node[count];
        for (int i = 0; i < count; i++)
        {
            _rules[i] = Alternatives(2, count);
        }
    }

    private abstract record Node
    {
        public sealed record Literal(string Text) : Node;

        public sealed record Class(string Characters, bool Negated) : Node;

        public sealed record Call(int Rule) : Node;

        public sealed record Sequence(Node[] Parts) : Node;

        public sealed record Choice(Node[] Parts) : Node;

        public sealed record Repeat(Node Part, int Least, int? Most) : Node;
    }

    /// <summary>The grammar as GBNF.</summary>
    public string Text => string.Join('\n', _rules.Select((rule, i) => $"{(i == 0 ? "root" : $"r{i}")} ::= {Write(rule)}"));

    /// <summary>Whether a text belongs to the grammar.</summary>
    public bool Accepts(string text)
    {
        _ends = [];
        Rune[] runes = [.. text.EnumerateRunes()];
        return Ends(_rules[0], runes, 0).Contains(runes.Length);
    }

    private Node Alternatives(int depth, int rules)
    {
        var parts = Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => Sequence(depth, rules)).ToArray();
        return new Node.Choice([.. parts, new Node.Literal(Letters[.._random.Next(1, 3)])]); // one way that always ends
    }

    private Node Sequence(int depth, int rules)
    {
        var parts = new List<Node>();
        bool isBehindCharacter = false;
        int length = 1 + _random.Next(3);
        for (int i = 0; i < length; i++)
        {
            int kind = _random.Next(depth > 0 ? 8 : 5);
            Node part = kind switch
            {
                0 or 1 => new Node.Literal(Word()),
                2 or 3 => new Node.Class(Word(), _random.Next(4) == 0),
                4 => isBehindCharacter ? new Node.Call(_random.Next(rules)) : new Node.Literal(Word()),
                5 or 6 => Repeated(depth),
                _ => isBehindCharacter ? new Node.Choice([Sequence(depth - 1, rules), Sequence(depth - 1, rules)]) : new Node.Class(Word(), false),
            };
            isBehindCharacter |= part is Node.Literal or Node.Class;
            parts.Add(part);
        }

        return new Node.Sequence([.. parts]);
    }

    private Node.Repeat Repeated(int depth)
    {
        int least = _random.Next(3);
        Node part = _random.Next(2) == 0 ? new Node.Literal(Word()) : new Node.Choice([new Node.Class(Word(), false), new Node.Literal(Word())]);
        return new Node.Repeat(depth > 1 ? part : new Node.Class(Word(), false), least, _random.Next(2) == 0 ? null : least + _random.Next(1, 4));
    }

    private string Word() => string.Concat(Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Runes[_random.Next(Runes.Length)].ToString()));

    private static Rune[] Runes { get; } = [.. Letters.EnumerateRunes()];

    private static string Write(Node node) => node switch
    {
        Node.Literal literal => $"\"{literal.Text}\"",
        Node.Class set => $"[{(set.Negated ? "^" : "")}{set.Characters}]",
        Node.Call call => call.Rule == 0 ? "root" : $"r{call.Rule}",
        Node.Sequence sequence => string.Join(' ', sequence.Parts.Select(Write)),
        Node.Choice choice => $"({string.Join(" | ", choice.Parts.Select(Write))})",
        Node.Repeat repeat => $"{Write(repeat.Part)}{{{repeat.Least},{repeat.Most}}}",
        _ => throw new InvalidOperationException(),
    };

    /// <summary>Where a node's texts that begin at a place can end.</summary>
    private HashSet<int> Ends(Node node, Rune[] text, int start)
    {
        if (_ends.TryGetValue((node, start), out var known))
        {
            return known;
        }

        HashSet<int> ends = node switch
        {
            Node.Literal literal => Literal([.. literal.Text.EnumerateRunes()], text, start),
            Node.Class set => start < text.Length && set.Characters.EnumerateRunes().Contains(text[start]) != set.Negated ? [start + 1] : [],
            Node.Call call => Ends(_rules[call.Rule], text, start),
            Node.Sequence sequence => sequence.Parts.Aggregate(new HashSet<int> { start }, (at, part) => [.. at.SelectMany(place => Ends(part, text, place))]),
            Node.Choice choice => [.. choice.Parts.SelectMany(part => Ends(part, text, start))],
            Node.Repeat repeat => Repeat(repeat, text, start),
            _ => [],
        };
        _ends[(node, start)] = ends;
        return ends;
    }

    private static HashSet<int> Literal(Rune[] literal, Rune[] text, int start) =>
        text.AsSpan(start).StartsWith(literal) ? [start + literal.Length] : [];

    private HashSet<int> Repeat(Node.Repeat repeat, Rune[] text, int start)
    {
        var ends = new HashSet<int>();
        HashSet<int> at = [start];
        for (int count = 0; at.Count > 0 && count <= (repeat.Most ?? text.Length); count++)
        {
            if (count >= repeat.Least)
            {
                ends.UnionWith(at);
            }

            at = [.. at.SelectMany(place => Ends(repeat.Part, text, place))];
        }

        return ends;
    }
}
