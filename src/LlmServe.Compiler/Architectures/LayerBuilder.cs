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

    /// <summary>A matrix of the layer times rows, times the factor that may stand beside it.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="tensor">Without <c>.weight</c>.</param>
    /// <param name="rows">Outputs.</param>
    /// <param name="name">Of the result.</param>
    /// <param name="hasBias">Whether there may be a bias.</param>
    public GraphValue Linear(GraphValue x, string tensor, int rows, string name, bool hasBias = false) =>
        Linear(x, tensor, rows, name, hasBias, 0, rows);

    /// <summary>Queries, keys and values, from tensors of their own or from one that holds all, with the biases that there are.</summary>
    public (GraphValue Query, GraphValue Key, GraphValue Value) Projections(GraphValue x, AttentionShape shape)
    {
        int q = shape.QueryHeads * shape.KeySize, k = shape.KeyHeads * shape.KeySize, v = shape.KeyHeads * shape.ValueSize;
        if (!Has("attn_qkv.weight"))
        {
            return (Linear(x, "attn_q", q, "q", hasBias: true), Linear(x, "attn_k", k, "k", hasBias: true), Linear(x, "attn_v", v, "v", hasBias: true));
        }

        int all = q + k + v;
        return (Part("attn_q", 0, q, "q"), Part("attn_k", q, k, "k"), Part("attn_v", q + k, v, "v"));

        GraphValue Part(string tensor, int first, int rows, string name)
        {
            var part = Linear(x, "attn_qkv", rows, name, hasBias: true, first, all);
            return Has(tensor + ".bias") ? Graph.AddVector(part, Graph.Vector(Name(tensor) + ".bias", rows), part.Name) : part;
        }
    }

    /// <summary>Attention of a layer over its own cache, with all projections.</summary>
    public GraphValue Attention(GraphValue x, AttentionSpec spec)
    {
        var (q, k, v) = Projections(x, spec.Shape);
        if (spec.Clamp > 0)
        {
            (q, k, v) = (Clamp(q, spec.Clamp), Clamp(k, spec.Clamp), Clamp(v, spec.Clamp));
        }

        return Attention(q, k, v, spec);
    }

    /// <summary>The same from queries, keys and values on.</summary>
    public GraphValue Attention(GraphValue q, GraphValue k, GraphValue v, AttentionSpec spec)
    {
        var shape = spec.Shape;
        (q, k) = Normalise(q, k, spec, isRotated: false);
        if (spec.Rope is { } angles)
        {
            var layout = new RopeLayout(spec.Pairing, shape.KeySize);
            q = Graph.Rope(q, angles, layout, Name("q_rope"));
            k = Graph.Rope(k, angles, layout, Name("k_rope"));
        }

        (q, k) = Normalise(q, k, spec, isRotated: true);
        var cache = Graph.Cache(Index, shape);
        Graph.Store(k, v, cache);
        var attention = Graph.Attend(q, cache, shape, Name("attention"), shape.HasSinks ? Graph.Vector(Name("attn_sinks.weight"), shape.QueryHeads) : null);
        return Linear(attention, "attn_output", Graph.Shape.Width, "attn_output", spec.HasOutputBias);
    }

    /// <summary>
    /// A feed-forward layer: with a gate where the file has one, be it a tensor of its own or the first half of the up projection, and without otherwise.
    /// </summary>
    /// <param name="x">Its input.</param>
    /// <param name="width">Numbers between its matrices.</param>
    /// <param name="kind">The activation.</param>
    /// <param name="hasBiases">Whether its matrices may have biases.</param>
    public GraphValue FeedForward(GraphValue x, int width, ActivationKind kind, bool hasBiases = false)
    {
        const string Gate = "ffn_gate", Up = "ffn_up";
        var activation = new ActivationDetail(kind);
        bool isFused = !Has(Gate + ".weight") && Graph.Source.Tensor(Name(Up) + ".weight").Rows == 2L * width;
        GraphValue act;
        if (!isFused && !Has(Gate + ".weight"))
        {
            act = Graph.Activate(Linear(x, Up, width, Up, hasBiases), activation, Name("ffn_act"));
        }
        else
        {
            var gate = isFused ? Linear(x, Up, width, Gate, hasBiases, 0, 2 * width) : Linear(x, Gate, width, Gate, hasBiases);
            var up = isFused ? Linear(x, Up, width, Up, hasBiases, width, 2 * width) : Linear(x, Up, width, Up, hasBiases);
            act = Graph.Gate(gate, up, activation, Name("ffn_act"));
        }

        return Linear(act, "ffn_down", Graph.Shape.Width, "ffn_down", hasBiases);
    }

    private GraphValue Clamp(GraphValue x, float limit) => Graph.Activate(x, new ActivationDetail(ActivationKind.Clamp, limit), x.Name);

    private (GraphValue Query, GraphValue Key) Normalise(GraphValue q, GraphValue k, AttentionSpec spec, bool isRotated)
    {
        if (spec.Norm is not { } norm || norm.Place == QueryKeyNormPlace.RotatedHeads != isRotated)
        {
            return (q, k);
        }

        int group = norm.Place == QueryKeyNormPlace.Width ? 0 : spec.Shape.KeySize;
        return (Normalise(q, "attn_q_norm"), Normalise(k, "attn_k_norm"));

        // Gains are one head's, or those of all heads.
        GraphValue Normalise(GraphValue x, string tensor) =>
            Graph.Norm(x, norm.Norm, Name(tensor), Name(tensor), group, group > 0 && Graph.Source.Tensor(Name(tensor) + ".weight").ElementCount > group);
    }

    private GraphValue Linear(GraphValue x, string tensor, int rows, string name, bool hasBias, int first, int all)
    {
        var y = Graph.Linear(x, Graph.Matrix(Name(tensor) + ".weight", x.Columns, rows, first, all), Name(name));
        if (Has(tensor + ".scale"))
        {
            y = Graph.Scale(y, Graph.Source.Numbers(Name(tensor) + ".scale", 1)[0], y.Name);
        }

        return hasBias && Has(tensor + ".bias") ? Graph.AddVector(y, Graph.Vector(Name(tensor) + ".bias", rows, first, all), y.Name) : y;
    }
}
