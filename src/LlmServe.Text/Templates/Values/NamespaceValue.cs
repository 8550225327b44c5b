namespace LlmServe.Text.Templates;

/// <summary>A <c>namespace</c>: the one object whose attributes a template may set.</summary>
internal sealed class NamespaceValue : Value
{
    private readonly Dictionary<string, Value> _attributes = [];

    public override string TypeName => "Namespace";

    /// <summary>The attributes in the order in which they were first set.</summary>
    public IEnumerable<KeyValuePair<string, Value>> Attributes => _attributes;

    public override Value? GetAttribute(string name) => _attributes.GetValueOrDefault(name);

    public override Value? GetItem(RenderContext context, Value key) => key is StringValue name ? GetAttribute(name.Text) : null;

    public void Set(string name, Value value)
    {
        if (name.StartsWith('_'))
        {
            throw new TemplateRuntimeException($"the name '{name}' of a namespace attribute starts with an underscore, which is not allowed");
        }

        _attributes[name] = value;
    }
}
