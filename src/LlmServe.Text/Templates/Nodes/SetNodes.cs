namespace LlmServe.Text.Templates;

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class SetNode(AssignmentTarget target, Expression value, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        target.Assign(context, value.Evaluate(context));
        return Flow.Next;
    }
}

/// <summary><c>{% set target %} … {% endset %}</c> and, without a target, <c>{% filter name %} … {% endfilter %}</c>.</summary>
internal sealed class CaptureNode(AssignmentTarget? target, Expression? filters, Block body, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        context.EnsureStack();
        var capture = context.BeginCapture();
        var flow = body.ExecuteScoped(context);
        Value value = context.EndCapture(capture);
        if (flow != Flow.Next)
        {
            return flow;
        }

        context.Line = line;
        if (filters is not null)
        {
            value = Filter(context, filters, value);
        }

        if (target is not null)
        {
            target.Assign(context, value);
        }
        else
        {
            context.Write(PythonFormat.Str(context, value));
        }

        return Flow.Next;
    }

    private static Value Filter(RenderContext context, Expression filters, Value text)
    {
        var outer = context.Scope;
        context.Scope = new Scope(outer);
        context.Scope.Set(CapturedTextNode.Variable, text);
        var result = filters.Evaluate(context);
        context.Scope = outer;
        return result;
    }
}

/// <summary><c>{% with a = 1 %} … {% endwith %}</c>; the values are those of the scope outside.</summary>
internal sealed class WithNode(KeyValuePair<AssignmentTarget, Expression>[] assignments, Block body, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        var values = Array.ConvertAll(assignments, pair => pair.Value.Evaluate(context));
        var outer = context.Scope;
        context.Scope = new Scope(outer);
        for (int i = 0; i < values.Length; i++)
        {
            assignments[i].Key.Assign(context, values[i]);
        }

        var flow = body.Execute(context);
        context.Scope = outer;
        return flow;
    }
}

/// <summary><c>{% generation %} … {% endgeneration %}</c>: prints its body, which has a scope of its own.</summary>
internal sealed class GenerationNode(Block body) : Statement
{
    public override Flow Execute(RenderContext context) => body.ExecuteScoped(context);
}
