namespace LlmServe.Text.Templates;

/// <summary>A <c>namespace</c>: the one object whose attributes a template may set.</summary>
internal sealed class NamespaceValue : Value
{
    private readonly Dictionary<string, (StringValue Name, Value Value)> _attributes = [];

    public override string TypeName => "Namespace";

    /// <summary>The attributes in the order in which they were first set.</summary>
    public IEnumerable<KeyValuePair<StringValue, Value>> Attributes => _attributes.Values.Select(pair => KeyValuePair.Create(pair.Name, pair.Value));

    public override Value? GetAttribute(string name) => _attributes.GetValueOrDefault(name).Value;

    public override Value? GetItem(RenderContext context, Value key) => key is StringValue name ? GetAttribute(name.Text) : null;

    public void Set(StringValue key, Value value)
    {
        string name = key.Text;
        if (name.StartsWith('_'))
        {
            throw new TemplateRuntimeException($"the name '{name}' of a namespace attribute starts with an underscore, which is not allowed");
        }

        _attributes[name] = (_attributes.TryGetValue(name, out var known) ? known.Name : key, value);
    }
}
