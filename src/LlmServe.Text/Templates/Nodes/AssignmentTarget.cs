namespace LlmServe.Text.Templates;

/// <summary>What <c>set</c> and <c>for</c> assign to: a name, an attribute of a namespace, or several of these.</summary>
internal abstract class AssignmentTarget
{
    public abstract void Assign(RenderContext context, Value value);
}

/// <summary>A variable of the present scope.</summary>
internal sealed class NameTarget(string name) : AssignmentTarget
{
    public override void Assign(RenderContext context, Value value) => context.Scope.Set(name, value);
}

/// <summary>An attribute of a namespace.</summary>
internal sealed class NamespaceTarget(string name, string attribute) : AssignmentTarget
{
    private readonly StringValue _attribute = StringValue.Of(attribute);

    public override void Assign(RenderContext context, Value value)
    {
        if (context.Lookup(name) is not NamespaceValue space)
        {
            throw new TemplateRuntimeException($"'{name}.{attribute}' cannot be set: '{name}' is no namespace");
        }

        space.Set(_attribute, value);
    }
}

/// <summary>Several targets, one for each item of the value.</summary>
internal sealed class TupleTarget(AssignmentTarget[] targets) : AssignmentTarget
{
    public override void Assign(RenderContext context, Value value)
    {
        int count = 0;
        var items = new Value[targets.Length];
        foreach (var item in value.RequireItems(context))
        {
            if (count == items.Length)
            {
                throw new TemplateRuntimeException($"there are more than the {items.Length} values that can be assigned");
            }

            items[count++] = item;
        }

        if (count < items.Length)
        {
            throw new TemplateRuntimeException($"{items.Length} values are to be assigned, and there are only {count}");
        }

        for (int i = 0; i < count; i++)
        {
            targets[i].Assign(context, items[i]);
        }
    }
}
