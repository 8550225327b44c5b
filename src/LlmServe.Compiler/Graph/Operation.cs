namespace LlmServe.Compiler.Graph;

/// <summary>A step of the model. Operations are immutable; passes replace them.</summary>
public abstract record Operation
{
    /// <summary>Values read.</summary>
    public abstract IEnumerable<Value> Inputs { get; }

    /// <summary>Values written.</summary>
    public abstract IEnumerable<Value> Outputs { get; }

    /// <summary>Weights read.</summary>
    public virtual IEnumerable<Weight> Weights => [];
}

/// <summary>Output = the token's row of the table.</summary>
public sealed record Embed(Weight Table, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [];
    public override IEnumerable<Value> Outputs => [Output];
    public override IEnumerable<Weight> Weights => [Table];
}

/// <summary>RMSNorm with gain; with <paramref name="Select"/> only rows whose logits are wanted go on.</summary>
public sealed record RmsNorm(Value Input, Weight Gain, float Epsilon, Value Output, bool Select) : Operation
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output];
    public override IEnumerable<Weight> Weights => [Gain];
}

/// <summary>Output = Matrix · Input.</summary>
public sealed record Linear(Value Input, Weight Matrix, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output];
    public override IEnumerable<Weight> Weights => [Matrix];
}

/// <summary>Rotates heads by their row's position.</summary>
public sealed record Rope(Value Input, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output];
}

/// <summary>Causal attention; keys and values join the cache of the layer first.</summary>
public sealed record Attention(Value Query, Value Key, Value KeyValues, int Layer, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Query, Key, KeyValues];
    public override IEnumerable<Value> Outputs => [Output];
}

/// <summary>Output = silu(Gate) · Up.</summary>
public sealed record GatedSilu(Value Gate, Value Up, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Gate, Up];
    public override IEnumerable<Value> Outputs => [Output];
}

/// <summary>Output = Left + Right.</summary>
public sealed record Add(Value Left, Value Right, Value Output) : Operation
{
    public override IEnumerable<Value> Inputs => [Left, Right];
    public override IEnumerable<Value> Outputs => [Output];
}
