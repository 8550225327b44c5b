namespace LlmServe.Compiler.Graph;

/// <summary>Collects what the shapes of an operation's operands break.</summary>
/// <param name="operation">What is checked, for messages.</param>
/// <param name="errors">Gets a sentence for each violation.</param>
internal sealed class ShapeCheck(string operation, List<string> errors)
{
    /// <summary>Demands something.</summary>
    public void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            errors.Add($"{operation}: {otherwise}");
        }
    }

    /// <summary>Demands that values have the same columns and rows.</summary>
    public void Alike(GraphValue first, params ReadOnlySpan<GraphValue> others)
    {
        foreach (var other in others)
        {
            Columns(other, first.Columns);
            Require(other.Rows == first.Rows, $"{other.Name} has other rows than {first.Name}");
        }
    }

    /// <summary>Demands a number of columns.</summary>
    public void Columns(GraphValue value, long columns) => Require(value.Columns == columns, $"{value.Name} has {value.Columns} columns, not {columns}");

    /// <summary>Demands the shape of a weight.</summary>
    public void Shape(Weight weight, long rows, long columns, int count = 1) =>
        Require(weight.Rows == rows && weight.Columns == columns && weight.Count == count,
            $"{weight.Name} is {weight.Count} x {weight.Rows} x {weight.Columns}, not {count} x {rows} x {columns}");
}
