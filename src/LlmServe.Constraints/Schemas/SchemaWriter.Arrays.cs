using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Schemas;

/// <summary>Arrays.</summary>
internal sealed partial class SchemaWriter
{
    private void WriteArrays(RuleGraph graph, SchemaAlternative way)
    {
        int least = way.Members.Max(member => member.MinItems);
        int? most = way.Members.Min(member => member.MaxItems);
        int prefix = way.Members.Max(member => member.PrefixItems.Count);
        var contains = way.Members.Where(member => member.Contains is not null).ToList();
        CheckCounts(way, least, most);
        if (contains.Count > 1)
        {
            throw new ConstraintException(JsonText.Step(contains[1].Pointer, "contains"), "a second contains for the same array cannot be honoured");
        }

        if (least == 0 && most is null && prefix == 0 && contains.Count == 0 && PropertySchemas.Of(way, 0).TrueForAll(schema => schema.IsTrue))
        {
            graph.AddCall(RuleGraph.Start, _json.Array, RuleGraph.End);
            return;
        }

        var shape = new ArrayShape(least, most, Math.Max(prefix, Math.Max(least, 1)), contains.Count == 0 ? null : contains[0]);
        WriteItems(graph, way, shape);
    }

    private void CheckCounts(SchemaAlternative way, int least, int? most)
    {
        int largest = Math.Max(least, most ?? 0);
        if (largest > _meter.Limits.MaxRepetition)
        {
            throw new ConstraintException(
                way.Members[0].Pointer, $"it counts up to {largest} items or properties; at most {_meter.Limits.MaxRepetition} can be honoured");
        }
    }

    /// <summary>What counts in an array.</summary>
    /// <param name="Least">Least number of items.</param>
    /// <param name="Most">Greatest number of items.</param>
    /// <param name="Steady">Number of items from which on all are alike.</param>
    /// <param name="Counted">The schema whose <c>contains</c> is counted.</param>
    private sealed record ArrayShape(int Least, int? Most, int Steady, Schema? Counted)
    {
        /// <summary>Count of contained items from which on nothing changes.</summary>
        public int LastContained => Counted is null ? 0 : Counted.MaxContains ?? Counted.MinContains;

        /// <summary>The number of items after another one.</summary>
        public int After(int items) => Most is null ? Math.Min(items + 1, Steady) : items + 1;

        /// <summary>Whether an array may end.</summary>
        public bool MayEnd(int items, int contained) => items >= Least && (Counted is null || contained >= Counted.MinContains);
    }

    private void WriteItems(RuleGraph graph, SchemaAlternative way, ArrayShape shape)
    {
        var states = new Dictionary<(int Items, int Contained), int>();
        var waiting = new Queue<(int Items, int Contained)>();
        int open = _json.AddMark(graph, RuleGraph.Start, '[');
        int StateOf(int items, int contained)
        {
            if (!states.TryGetValue((items, contained), out int state))
            {
                states.Add((items, contained), state = graph.AddState());
                waiting.Enqueue((items, contained));
                _meter.CheckStates(graph.StateCount, graph.Name);
            }

            return state;
        }

        states.Add((0, 0), open);
        waiting.Enqueue((0, 0));
        while (waiting.TryDequeue(out var at))
        {
            int state = states[at];
            _meter.Add(1);
            if (shape.MayEnd(at.Items, at.Contained))
            {
                graph.AddBytes(at.Items == 0 ? state : _json.AddSpace(graph, state), (byte)']', (byte)']', RuleGraph.End);
            }

            if (at.Items != shape.Most)
            {
                int item = at.Items == 0 ? state : _json.AddMark(graph, state, ',');
                WriteItem(graph, way, shape, item, at, StateOf);
            }
        }
    }

    private void WriteItem(
        RuleGraph graph, SchemaAlternative way, ArrayShape shape, int from, (int Items, int Contained) at, Func<int, int, int> stateOf)
    {
        var schemas = PropertySchemas.Of(way, at.Items);
        int items = shape.After(at.Items);
        if (shape.Counted is not { Contains: { } contained } counted)
        {
            AddValue(graph, from, schemas, stateOf(items, 0));
            return;
        }

        if (at.Contained < shape.LastContained || counted.MaxContains is null)
        {
            AddValue(graph, from, [.. schemas, contained], stateOf(items, Math.Min(at.Contained + 1, shape.LastContained)));
        }

        // Without an upper bound an item that is counted may as well not be.
        var others = counted.MaxContains is null ? schemas : NotContained(schemas, counted);
        AddValue(graph, from, others, stateOf(items, at.Contained));
    }

    private List<Schema> NotContained(List<Schema> schemas, Schema counted)
    {
        if (!_negatives.TryGetValue(counted, out var negative))
        {
            negative = _expander.Negate(counted.Contains!, JsonText.Step(counted.Pointer, "maxContains")) ?? new Schema { Pointer = counted.Pointer };
            _negatives.Add(counted, negative);
        }

        return [.. schemas, negative];
    }

    private void AddValue(RuleGraph graph, int from, IReadOnlyList<Schema> schemas, int to)
    {
        if (!schemas.Any(schema => schema.IsFalse))
        {
            graph.AddCall(from, RuleOf(schemas), to);
        }
    }
}
