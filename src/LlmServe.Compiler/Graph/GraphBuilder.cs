using LlmServe.Compiler.Architectures;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Compiler.Graph;

/// <summary>What an architecture writes its operations into. Shapes are checked against the file as they are used.</summary>
public sealed class GraphBuilder(ModelSource source, ModelShape shape)
{
    private readonly List<Weight> _weights = [];
    private readonly Dictionary<string, Weight> _weightsByName = [];
    private readonly List<Value> _values = [];
    private readonly List<Operation> _operations = [];

    /// <summary>Whether the file has the tensor.</summary>
    public bool Has(string tensor) => source.Has(tensor);

    /// <summary>Rows of the embedding table for the tick's tokens. [rows, width]</summary>
    public Value Embed(string table)
    {
        var output = NewValue("embedding", shape.Width);
        _operations.Add(new Embed(Matrix(table, shape.Width, shape.Vocabulary), output));
        return output;
    }

    /// <summary>RMSNorm over a row, optionally of the selected rows only.</summary>
    public Value RmsNorm(Value input, string gain, float epsilon, string name, bool select = false)
    {
        var output = NewValue(name, input.Columns, select);
        _operations.Add(new RmsNorm(input, Vector(gain, input.Columns), epsilon, output, select));
        return output;
    }

    /// <summary>A matrix of <paramref name="outputs"/> rows times each row of the input.</summary>
    public Value Linear(Value input, string matrix, int outputs, string name)
    {
        var output = NewValue(name, outputs, input.Selected);
        _operations.Add(new Linear(input, Matrix(matrix, input.Columns, outputs), output));
        return output;
    }

    /// <summary>Rotary position embedding of every head.</summary>
    public Value Rope(Value input, string name)
    {
        var output = NewValue(name, input.Columns);
        _operations.Add(new Rope(input, output));
        return output;
    }

    /// <summary>Causal attention over the cache of a layer.</summary>
    public Value Attention(Value query, Value key, Value values, int layer, string name)
    {
        var output = NewValue(name, query.Columns);
        _operations.Add(new Attention(query, key, values, layer, output));
        return output;
    }

    /// <summary>silu(gate) · up.</summary>
    public Value GatedSilu(Value gate, Value up, string name)
    {
        var output = NewValue(name, gate.Columns);
        _operations.Add(new GatedSilu(gate, up, output));
        return output;
    }

    /// <summary>Elementwise sum.</summary>
    public Value Add(Value left, Value right, string name)
    {
        var output = NewValue(name, left.Columns);
        _operations.Add(new Add(left, right, output));
        return output;
    }

    /// <summary>The finished graph.</summary>
    public ModelGraph Build(Value logits) => new(shape, _weights, _values, _operations, logits);

    private Value NewValue(string name, int columns, bool selected = false)
    {
        var value = new Value(_values.Count, name, columns, Selected: selected);
        _values.Add(value);
        return value;
    }

    /// <summary>A vector, which programs see as F32 whatever floats the file has.</summary>
    private Weight Vector(string name, int length)
    {
        var tensor = source.Tensor(name);
        source.RequireFloat(tensor);
        return AddWeight(tensor, GgmlType.F32, length, 1);
    }

    private Weight Matrix(string name, int columns, int rows)
    {
        var tensor = source.Tensor(name);
        return AddWeight(tensor, tensor.Type, columns, rows);
    }

    private Weight AddWeight(GgufTensor tensor, GgmlType type, int columns, int rows)
    {
        if (_weightsByName.TryGetValue(tensor.Name, out var known))
        {
            return known;
        }

        source.Require(tensor.Columns == columns && tensor.Rows == rows,
            $"tensor '{tensor.Name}' is {tensor.Rows} x {tensor.Columns} (rows x columns); the model's metadata asks for {rows} x {columns}");
        source.Require(tensor.Format.CanDecode,
            $"tensor '{tensor.Name}' has the format {tensor.Type}, which is not supported; supported: {BlockFormat.SupportedNames}");
        var weight = new Weight(_weights.Count, tensor.Name, type, rows, columns);
        _weights.Add(weight);
        _weightsByName.Add(tensor.Name, weight);
        return weight;
    }
}
