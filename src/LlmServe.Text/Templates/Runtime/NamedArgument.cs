namespace LlmServe.Text.Templates;

/// <summary>An argument that is given by name.</summary>
/// <param name="Name">The name; what <c>**dict</c> gives may come from the render's input.</param>
/// <param name="Value">The value.</param>
internal readonly record struct NamedArgument(StringValue Name, Value Value)
{
    /// <summary>The argument as an entry of a dict.</summary>
    public KeyValuePair<Value, Value> ToEntry() => new(Name, Value);
}
