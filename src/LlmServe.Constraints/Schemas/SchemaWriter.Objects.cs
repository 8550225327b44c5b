using System.Numerics;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>Objects.</summary>
internal sealed partial class SchemaWriter
{
    private const int MostPatterns = 6;

    private void WriteObjects(RuleGraph graph, SchemaAlternative way)
    {
        int least = way.Members.Max(member => member.MinProperties);
        int? most = way.Members.Min(member => member.MaxProperties);
        CheckCounts(way, least, most);
        if (!way.Members.Exists(member => member.HasObjectKeywords))
        {
            graph.AddCall(RuleGraph.Start, _json.Object, RuleGraph.End);
            return;
        }

        var names = way.Members.Select(member => member.PropertyNames).OfType<Schema>().ToList();
        var required = way.Members.SelectMany(member => member.Required).ToHashSet();
        string[] order = [.. way.PropertyOrder, .. way.Members.SelectMany(member => member.Required).Distinct().Where(name => !way.PropertyOrder.Contains(name))];
        var declared = order.Select(name => new DeclaredProperty(name, required.Contains(name), SchemasOfDeclared(way, names, name))).ToList();
        var others = OtherProperties(way, names, order);
        new ObjectWriter(graph, _json, this, least, most, _meter).Write(declared, others);
    }

    /// <summary>The schemas of a property that is declared; null if it may not be there.</summary>
    private List<Schema>? SchemasOfDeclared(SchemaAlternative way, List<Schema> names, string name)
    {
        var schemas = PropertySchemas.Of(way, name);
        bool isAllowed = !schemas.Exists(schema => schema.IsFalse) && names.TrueForAll(schema => _check.Allows(schema, JsonValue.Of(name)))
            && !(IsClosed(way) && !way.Members.Exists(member => member.Properties.Exists(property => property.Name == name)));
        return isAllowed ? schemas : null;
    }

    private bool IsClosed(SchemaAlternative way) =>
        _closeObjects && way.Members.Exists(member => member.Properties.Count > 0)
        && !way.Members.Exists(member => member.AdditionalProperties is not null || member.PatternProperties.Count > 0);

    /// <summary>All other properties: for each way in which patterns match a name, the names and the schemas of their values.</summary>
    private List<(Language Names, List<Schema> Schemas)> OtherProperties(SchemaAlternative way, List<Schema> names, string[] declared)
    {
        var others = new List<(Language, List<Schema>)>();
        if (IsClosed(way))
        {
            return others;
        }

        var patterns = way.Members.SelectMany(member => member.PatternProperties).Select(pattern => pattern.Names).Distinct().ToList();
        if (patterns.Count > MostPatterns)
        {
            throw new ConstraintException(way.Members[0].Pointer, $"more than {MostPatterns} different patternProperties cannot be honoured");
        }

        var free = _texts.NamesOf(names).Except(Language.Literals(declared), _meter);
        for (int matching = 0; matching < 1 << patterns.Count; matching++)
        {
            var language = free;
            for (int i = 0; i < patterns.Count && !language.IsEmpty; i++)
            {
                language = (matching >> i & 1) != 0 ? language.Intersect(patterns[i], _meter) : language.Except(patterns[i], _meter);
            }

            var schemas = SchemasOfOther(way, patterns, matching);
            if (!language.IsEmpty && !schemas.Exists(schema => schema.IsFalse))
            {
                _json.AddFreeNames(language);
                others.Add((language, schemas));
            }
        }

        return others;
    }

    private static List<Schema> SchemasOfOther(SchemaAlternative way, List<Language> patterns, int matching)
    {
        var schemas = new List<Schema>();
        foreach (var member in way.Members)
        {
            var matched = member.PatternProperties.Where(pattern => (matching >> patterns.IndexOf(pattern.Names) & 1) != 0).Select(p => p.Schema).ToList();
            schemas.AddRange(matched.Count > 0 || member.AdditionalProperties is null ? matched : [member.AdditionalProperties]);
        }

        return schemas;
    }

    /// <summary>A property that is named in a schema.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="IsRequired">Whether it must be there.</param>
    /// <param name="Schemas">What its value must satisfy; null if it may not be there.</param>
    private sealed record DeclaredProperty(string Name, bool IsRequired, List<Schema>? Schemas);

    /// <summary>
    /// Writes one object. A state is the next property that may be written and the number of those that were; properties keep their order, those that are
    /// not required may be passed over.
    /// </summary>
    private sealed class ObjectWriter(RuleGraph graph, JsonRules json, SchemaWriter writer, int least, int? most, WorkMeter meter)
    {
        private const int LargestCountOfOthers = 64;

        private readonly Dictionary<(int Next, int Count, int Others), int> _behind = []; // states behind a property, or behind the brace
        private readonly Dictionary<(int Next, int Count, int Others), int> _before = []; // states before a property
        private readonly Queue<(int Next, int Count, int Others)> _waiting = new();
        private int? _mostOthers; // how many other names there are, where they are few

        /// <summary>The count from which on nothing changes.</summary>
        private int LastCount => most ?? Math.Max(least, 1);

        public void Write(List<DeclaredProperty> declared, List<(Language Names, List<Schema> Schemas)> others)
        {
            var counts = others.Select(other => other.Names.Count()).ToList();
            bool areFew = counts.TrueForAll(count => count is not null) && counts.Aggregate(BigInteger.Zero, (sum, count) => sum + count!.Value) <= LargestCountOfOthers;
            _mostOthers = areFew ? (int)counts.Aggregate(BigInteger.Zero, (sum, count) => sum + count!.Value) : null;
            int open = json.AddMark(graph, RuleGraph.Start, '{');
            int lastRequired = declared.FindLastIndex(property => property.IsRequired);
            _before.Add((0, 0, 0), open);
            if (lastRequired < 0 && least == 0)
            {
                graph.AddBytes(open, (byte)'}', (byte)'}', RuleGraph.End);
            }

            WriteBefore((0, 0, 0), declared, others);
            while (_waiting.TryDequeue(out var at))
            {
                int state = _behind[at];
                if (at.Next > lastRequired && at.Count >= least)
                {
                    graph.AddBytes(json.AddSpace(graph, state), (byte)'}', (byte)'}', RuleGraph.End);
                }

                if (at.Count != most)
                {
                    int next = json.AddMark(graph, state, ',');
                    bool isNew = !_before.TryGetValue(at, out int before);
                    before = isNew ? graph.AddState() : before;
                    graph.AddEmpty(next, before);
                    if (isNew)
                    {
                        _before.Add(at, before);
                        WriteBefore(at, declared, others);
                    }
                }
            }
        }

        /// <summary>Adds the properties that can come next, from a state before them on.</summary>
        private void WriteBefore((int Next, int Count, int Others) at, List<DeclaredProperty> declared, List<(Language Names, List<Schema> Schemas)> others)
        {
            meter.CheckStates(graph.StateCount, graph.Name);
            for (; at.Count != most && at.Next < declared.Count; at.Next++)
            {
                meter.Add(1);
                var property = declared[at.Next];
                int state = _before[at];
                if (property.Schemas is not null)
                {
                    int named = graph.AddState();
                    new ValueWriter(graph, json).AddString(state, property.Name, named);
                    writer.AddValue(graph, json.AddMark(graph, named, ':'), property.Schemas, Behind(at.Next + 1, at.Count, at.Others));
                }

                if (property.IsRequired)
                {
                    return;
                }

                var next = at with { Next = at.Next + 1 };
                if (_before.TryGetValue(next, out int known))
                {
                    graph.AddEmpty(state, known);
                    return;
                }

                int further = graph.AddState();
                graph.AddEmpty(state, further);
                _before.Add(next, further);
            }

            if (at.Next == declared.Count && at.Count != most && at.Others != _mostOthers)
            {
                WriteOthers(at, others);
            }
        }

        private void WriteOthers((int Next, int Count, int Others) at, List<(Language Names, List<Schema> Schemas)> others)
        {
            foreach (var (names, schemas) in others)
            {
                int inside = graph.AddState();
                int named = graph.AddState();
                graph.AddBytes(_before[at], (byte)'"', (byte)'"', inside);
                LanguageWriter.AddJson(graph, inside, names, named, json.AnyName);
                writer.AddValue(graph, json.AddMark(graph, named, ':'), schemas, Behind(at.Next, at.Count, at.Others + 1));
            }
        }

        private int Behind(int next, int count, int others)
        {
            var key = (next, Math.Min(count + 1, LastCount), _mostOthers is null ? 0 : others);
            if (!_behind.TryGetValue(key, out int state))
            {
                state = graph.AddState();
                _behind.Add(key, state);
                _waiting.Enqueue(key);
            }

            return state;
        }
    }
}
