namespace LlmServe.Compiler.Graph;

/// <summary>Three projections of one input; queries and keys are rotated, keys and values stored in the cache of the layer.</summary>
public sealed record ProjectHeads(Value Input, Weight Query, Weight Key, Weight KeyValues, int Layer, Value QueryOutput, Value KeyOutput, Value ValueOutput) : Operation
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [QueryOutput, KeyOutput, ValueOutput];
    public override IEnumerable<Weight> Weights => [Query, Key, KeyValues];
}

/// <summary>Attention of rotated queries over the cache of the layer.</summary>
public sealed record CachedAttention(Value Query, int Layer, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Query];
    public override IEnumerable<Value> Outputs => [Output];
}

/// <summary>Output = silu(Gate · Input) · (Up · Input).</summary>
public sealed record GatedLinear(Value Input, Weight Gate, Weight Up, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output];
    public override IEnumerable<Weight> Weights => [Gate, Up];
}

/// <summary>Residual += Matrix · Input, in place.</summary>
public sealed record LinearAdd(Value Input, Weight Matrix, Value Residual) : Operation
{
    public override IEnumerable<Value> Inputs => [Input, Residual];
    public override IEnumerable<Value> Outputs => [Residual];
    public override IEnumerable<Weight> Weights => [Matrix];
}
