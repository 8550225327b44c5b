using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>Writes the operations of one layer, whose tensors and values begin with <c>blk.N.</c></summary>
internal sealed class LayerBuilder
{
    private readonly string _prefix;

    /// <param name="graph">What it writes into.</param>
    /// <param name="index">The layer's number.</param>
    /// <param name="residual">The residual stream that it begins with.</param>
    public LayerBuilder(GraphBuilder graph, int index, GraphValue residual)
    {
        Graph = graph;
        Index = index;
        _prefix = $"blk.{index}.";
        graph.BeginLayer(residual);
    }

    /// <summary>What it writes into.</summary>
    public GraphBuilder Graph { get; }

    /// <summary>The layer's number.</summary>
    public int Index { get; }

    /// <summary>The name of a tensor or value of this layer.</summary>
    public string Name(string name) => _prefix + name;

    /// <summary>Whether the layer has a tensor.</summary>
    public bool Has(string tensor) => Graph.Source.Has(_prefix + tensor);

    /// <summary>A norm with the layer's gain of that name, which the result is called by.</summary>
    public GraphValue Norm(GraphValue x, NormSpec norm, string tensor) => Graph.Norm(x, norm, Name(tensor), Name(tensor));

    /// <summary>The sum of two values.</summary>
    public GraphValue Add(GraphValue left, GraphValue right, string name) => Graph.Add(left, right, Name(name));

    /// <summary>A matrix of the layer times rows.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="tensor">Without <c>.weight</c>.</param>
    /// <param name="rows">Outputs.</param>
    /// <param name="name">Of the result.</param>
    public GraphValue Linear(GraphValue x, string tensor, int rows, string name) =>
        Graph.Linear(x, Graph.Matrix(Name(tensor) + ".weight", x.Columns, rows), Name(name));

    /// <summary>Attention of a layer over its own cache, with all projections.</summary>
    public GraphValue Attention(GraphValue x, AttentionSpec spec)
    {
        var shape = spec.Shape;
        var q = Linear(x, "attn_q", shape.QueryHeads * shape.KeySize, "q");
        var k = Linear(x, "attn_k", shape.KeyHeads * shape.KeySize, "k");
        var v = Linear(x, "attn_v", shape.KeyHeads * shape.ValueSize, "v");
        if (spec.Rope is { } angles)
        {
            var layout = new RopeLayout(spec.Pairing, shape.KeySize);
            q = Graph.Rope(q, angles, layout, Name("q_rope"));
            k = Graph.Rope(k, angles, layout, Name("k_rope"));
        }

        var cache = Graph.Cache(Index, shape);
        Graph.Store(k, v, cache);
        var attention = Graph.Attend(q, cache, shape, Name("attention"));
        return Linear(attention, "attn_output", Graph.Shape.Width, "attn_output");
    }

    /// <summary>A feed-forward layer whose input passes a gate.</summary>
    public GraphValue GatedFeedForward(GraphValue x, int width, ActivationKind kind)
    {
        var gate = Linear(x, "ffn_gate", width, "ffn_gate");
        var up = Linear(x, "ffn_up", width, "ffn_up");
        var act = Graph.Gate(gate, up, new ActivationDetail(kind), Name("ffn_act"));
        return Linear(act, "ffn_down", Graph.Shape.Width, "ffn_down");
    }
}
