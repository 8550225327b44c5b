namespace LlmServe.Compiler.Graph;

/// <summary>A model as operations in order, with the values and weights they use.</summary>
public sealed class ModelGraph
{
    internal ModelGraph(ModelShape shape, IReadOnlyList<Weight> weights, IReadOnlyList<Value> values, IReadOnlyList<Operation> operations, Value logits)
    {
        Shape = shape;
        Weights = weights;
        Values = values;
        Operations = operations;
        Logits = logits;
    }

    public ModelShape Shape { get; }

    public IReadOnlyList<Weight> Weights { get; }

    public IReadOnlyList<Value> Values { get; }

    /// <summary>In the order of execution.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>The last value: one row of vocabulary size per wanted row.</summary>
    public Value Logits { get; }

    /// <summary>The same model after a pass.</summary>
    internal ModelGraph With(IReadOnlyList<Operation> operations) => new(Shape, Weights, Values, operations, Logits);

    /// <summary>The same model with some values replaced everywhere.</summary>
    internal ModelGraph WithValues(IReadOnlyList<Value> values, IReadOnlyList<Operation> operations) =>
        new(Shape, Weights, values, operations, values[Logits.Id]);
}
