using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Compiler.Architectures;

/// <summary>Operations as an architecture writes them down: operands in, result out. Each adds one operation of its name.</summary>
internal static class GraphOperations
{
    /// <summary>Rows of the embedding table for the tick's tokens. [rows, width]</summary>
    public static GraphValue Embed(this GraphBuilder graph, string table = "token_embd.weight")
    {
        var output = graph.Value("embedding", graph.Shape.Width);
        return graph.Add(new Embed(graph.Table(table, graph.Shape.Width, graph.Shape.Vocabulary), output), output);
    }

    /// <summary>A norm of whole rows, or of groups of columns.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="x">Normalised.</param>
    /// <param name="norm">Its kind and epsilon.</param>
    /// <param name="tensor">Name of gain and bias without <c>.weight</c> and <c>.bias</c>; null: it has neither.</param>
    /// <param name="name">Of the result.</param>
    /// <param name="group">Columns that are normalised together; 0: all.</param>
    /// <param name="ownGains">Whether each group has gains of its own.</param>
    public static GraphValue Norm(this GraphBuilder graph, GraphValue x, NormSpec norm, string? tensor, string name, int group = 0, bool ownGains = false)
    {
        int columns = group == 0 ? x.Columns : group, gains = ownGains ? x.Columns : columns;
        var gain = tensor is null ? null : graph.Vector(tensor + ".weight", gains);
        var bias = tensor is not null && norm.Kind == NormKind.Layer && graph.Source.Has(tensor + ".bias") ? graph.Vector(tensor + ".bias", gains) : null;
        var output = graph.Like(x, name);
        return graph.Add(new Norm(norm.Kind, x, gain, bias, columns, norm.Epsilon, output), output);
    }

    /// <summary>A matrix times rows.</summary>
    public static GraphValue Linear(this GraphBuilder graph, GraphValue x, Weight matrix, string name)
    {
        var output = graph.Value(name, matrix.Rows, x.Rows);
        return graph.Add(new Linear(x, matrix, output), output);
    }

    /// <summary>A bias: the same numbers added to every row.</summary>
    public static GraphValue AddVector(this GraphBuilder graph, GraphValue x, Weight vector, string name)
    {
        var output = graph.Like(x, name);
        return graph.Add(new AddVector(x, vector, output), output);
    }

    /// <summary>Every number times a factor; of 1, nothing.</summary>
    public static GraphValue Scale(this GraphBuilder graph, GraphValue x, float factor, string name)
    {
        if (factor == 1)
        {
            return x;
        }

        var output = graph.Like(x, name);
        return graph.Add(new Scale(x, factor, output), output);
    }

    /// <summary>A function of every number.</summary>
    public static GraphValue Activate(this GraphBuilder graph, GraphValue x, ActivationDetail activation, string name)
    {
        var output = graph.Like(x, name);
        return graph.Add(new Activate(x, activation, output), output);
    }

    /// <summary>Every number kept below a cap; of 0, as it is.</summary>
    public static GraphValue SoftCap(this GraphBuilder graph, GraphValue x, float cap, string name) =>
        cap == 0 ? x : graph.Activate(x, new ActivationDetail(ActivationKind.SoftCap, cap), name);

    /// <summary>Rotates the heads of a value.</summary>
    public static GraphValue Rope(this GraphBuilder graph, GraphValue x, RopeAngles angles, RopeLayout layout, string name)
    {
        var output = graph.Like(x, name);
        return graph.Add(new Rope(x, graph.RopeTable(angles), layout, output), output);
    }

    /// <summary>Keeps keys and values in a cache.</summary>
    public static void Store(this GraphBuilder graph, GraphValue keys, GraphValue values, LayerCache cache)
    {
        graph.Add(new Store(keys, cache, new StoreDetail(AreValues: false, cache.KeySize)));
        graph.Add(new Store(values, cache, new StoreDetail(AreValues: true, cache.ValueSize)));
    }

    /// <summary>Attention over a cache.</summary>
    public static GraphValue Attend(this GraphBuilder graph, GraphValue query, LayerCache cache, AttentionShape shape, string name, Weight? sinks = null)
    {
        var output = graph.Value(name, shape.QueryHeads * shape.ValueSize);
        return graph.Add(new Attend(query, cache, shape, sinks, output), output);
    }

    /// <summary>act(gate) · up.</summary>
    public static GraphValue Gate(this GraphBuilder graph, GraphValue gate, GraphValue up, ActivationDetail activation, string name)
    {
        var output = graph.Like(gate, name);
        return graph.Add(new Gate(gate, up, activation, output), output);
    }

    /// <summary>Elementwise sum.</summary>
    public static GraphValue Add(this GraphBuilder graph, GraphValue left, GraphValue right, string name)
    {
        var output = graph.Like(left, name);
        return graph.Add(new Add(left, right, output), output);
    }

    /// <summary>The rows whose outputs are wanted.</summary>
    public static GraphValue SelectRows(this GraphBuilder graph, GraphValue x, string name)
    {
        var output = graph.Value(name, x.Columns, x.Rows with { Selected = true });
        return graph.Add(new SelectRows(x, output), output);
    }

    /// <summary>
    /// The end of a decoder: the final norm of the selected rows, and the output matrix, which is the embedding table where the file has no other.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="x">The residual stream behind the last layer.</param>
    /// <param name="norm">The final norm.</param>
    /// <param name="hasBias">Whether logits may have a bias.</param>
    /// <param name="scale">Factor on logits.</param>
    /// <param name="cap">What logits stay below; 0: they are not capped.</param>
    public static ModelGraph Finish(this GraphBuilder graph, GraphValue x, NormSpec norm, bool hasBias = false, float scale = 1, float cap = 0)
    {
        const string Logits = "logits", Own = "output", Bias = "output.bias";
        var last = graph.Norm(graph.SelectRows(x, "selected"), norm, "output_norm", "output_norm");
        string tensor = graph.Source.Has(Own + ".weight") ? Own : "token_embd";
        var logits = graph.Linear(last, graph.Matrix(tensor + ".weight", last.Columns, graph.Shape.Vocabulary), Logits);
        logits = graph.Scale(logits, graph.Source.Has(tensor + ".scale") ? graph.Source.Numbers(tensor + ".scale", 1)[0] : 1, Logits);
        logits = hasBias && graph.Source.Has(Bias) ? graph.AddVector(logits, graph.Vector(Bias, logits.Columns), Logits) : logits;
        logits = graph.SoftCap(graph.Scale(logits, scale, Logits), cap, Logits);
        return graph.Build((TickOutputs.Logits, logits), (TickOutputs.Hidden, last));
    }
}
