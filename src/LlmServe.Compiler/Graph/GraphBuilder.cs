using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Operations;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Compiler.Graph;

/// <summary>What an architecture writes its operations into. Weights are checked against the file as they are used, operands when the graph is built.</summary>
/// <param name="source">The model.</param>
/// <param name="shape">What its layers have in common.</param>
internal sealed class GraphBuilder(ModelSource source, ModelShape shape)
{
    private readonly List<Weight> _weights = [];
    private readonly Dictionary<Weight, Weight> _known = [];
    private readonly List<LayerCache> _caches = [];
    private readonly List<GraphValue> _values = [];
    private readonly List<Operation> _operations = [];
    private readonly Dictionary<RopeAngles, GraphValue> _ropeTables = [];
    private readonly List<GraphValue> _boundaries = [];

    /// <summary>The model.</summary>
    public ModelSource Source => source;

    /// <summary>What its layers have in common.</summary>
    public ModelShape Shape => shape;

    /// <summary>A value that nothing writes yet.</summary>
    public GraphValue Value(string name, int columns, RowSet rows = default) => AddTo(_values, new GraphValue(_values.Count, name, columns, rows.Copies == 0 ? RowSet.All : rows));

    /// <summary>A value of the columns and rows of another.</summary>
    public GraphValue Like(GraphValue other, string name) => Value(name, other.Columns, other.Rows);

    /// <summary>Adds an operation, which writes <paramref name="output"/>.</summary>
    public GraphValue Add(Operation operation, GraphValue output)
    {
        _operations.Add(operation);
        return output;
    }

    /// <summary>Adds an operation that writes no value.</summary>
    public void Add(Operation operation) => _operations.Add(operation);

    /// <summary>The next layer begins with this residual stream.</summary>
    public void BeginLayer(GraphValue residual) => _boundaries.Add(residual);

    /// <summary>The cosines and sines for angles; a table for each kind.</summary>
    public GraphValue RopeTable(RopeAngles angles)
    {
        if (!_ropeTables.TryGetValue(angles, out var table))
        {
            table = Value(_ropeTables.Count == 0 ? "rope" : $"rope.{_ropeTables.Count}", 2 * angles.Frequencies.Count);
            _ropeTables.Add(angles, table);
        }

        return table;
    }

    /// <summary>What a layer keeps of every position.</summary>
    public LayerCache Cache(int layer, AttentionShape attention) => AddTo(_caches, new LayerCache(
        _caches.Count, $"cache.{layer}", attention.KeyHeads, attention.KeySize, attention.ValueSize, attention.ValuesInKeys, attention.Visibility));

    /// <summary>A matrix, or rows of a tensor that holds several.</summary>
    /// <param name="tensor">Its name.</param>
    /// <param name="columns">Inputs.</param>
    /// <param name="rows">Outputs.</param>
    /// <param name="firstRow">Where it begins in a fused tensor.</param>
    /// <param name="allRows">Rows of the tensor; null: as many as are used.</param>
    public Weight Matrix(string tensor, int columns, int rows, int firstRow = 0, int? allRows = null) =>
        Take(source.Tensor(tensor), columns, allRows ?? rows, new Weight(0, tensor, default, rows, columns) { FirstRow = firstRow }, WeightUse.Matrix);

    /// <summary>A table of which single rows are read.</summary>
    public Weight Table(string tensor, int columns, int rows) => 
        Take(source.Tensor(tensor), columns, rows, new Weight(0, tensor, default, rows, columns), WeightUse.Table);

    /// <summary>A vector, which programs see as F32 whatever floats the file has.</summary>
    /// <param name="tensor">Its name.</param>
    /// <param name="length">Numbers.</param>
    /// <param name="first">Where it begins in a fused tensor.</param>
    /// <param name="all">Numbers of the tensor; null: as many as are used.</param>
    public Weight Vector(string tensor, int length, int first = 0, int? all = null)
    {
        var vector = source.Tensor(tensor);
        source.RequireFloat(vector);
        return Take(vector, all ?? length, 1, new Weight(0, tensor, GgmlType.F32, 1, length) { FirstColumn = first }, WeightUse.Vector);
    }

    /// <summary>The finished graph.</summary>
    /// <param name="outputs">What it gives.</param>
    public ModelGraph Build(params IReadOnlyList<(string Name, GraphValue Value)> outputs)
    {
        var graph = new ModelGraph
        {
            Shape = shape,
            Weights = _weights,
            Caches = _caches,
            Values = _values,
            Operations = [.. _operations.Take(1), .. _ropeTables.Select(t => new RopeTable(t.Key, t.Value)), .. _operations.Skip(1)],
            Outputs = outputs,
            Boundaries = _boundaries,
        };
        var errors = GraphVerifier.Verify(graph);
        return errors.Count == 0 ? graph : throw new InvalidOperationException($"{shape.Architecture} was built wrongly: {string.Join("; ", errors.Take(3))}");
    }

    private Weight Take(GgufTensor tensor, int columns, int rows, Weight wanted, WeightUse use)
    {
        source.Require(tensor.Format.CanDecode,
            $"tensor '{tensor.Name}' has the format {tensor.Type}, which is not supported; supported: {BlockFormat.SupportedNames}");
        var key = use == WeightUse.Vector ? wanted : wanted with { Type = tensor.Type };
        if (!_known.TryGetValue(key, out var weight))
        {
            bool fits = use == WeightUse.Vector ? tensor.ElementCount == (long)rows * columns : tensor.Columns == columns && tensor.Rows == rows;
            source.Require(fits, $"tensor '{tensor.Name}' is {tensor.Rows} x {tensor.Columns} (rows x columns); the model's metadata asks for {rows} x {columns}");
            weight = AddTo(_weights, key with { Id = _weights.Count });
            _known.Add(key, weight);
        }

        weight.Use |= use;
        return weight;
    }

    private static T AddTo<T>(List<T> list, T item)
    {
        list.Add(item);
        return item;
    }
}
