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
    public static ModelGraph Finish(this GraphBuilder graph, GraphValue x, NormSpec norm)
    {
        var last = graph.Norm(graph.SelectRows(x, "selected"), norm, "output_norm", "output_norm");
        string output = graph.Source.Has("output.weight") ? "output.weight" : "token_embd.weight";
        var logits = graph.Linear(last, graph.Matrix(output, last.Columns, graph.Shape.Vocabulary), "logits");
        return graph.Build((TickOutputs.Logits, logits), (TickOutputs.Hidden, last));
    }
}
