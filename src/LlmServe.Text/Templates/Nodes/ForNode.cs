namespace LlmServe.Text.Templates;

/// <summary><c>{% for target in source if filter recursive %} … {% else %} … {% endfor %}</c>.</summary>
internal sealed class ForNode(
    AssignmentTarget target, Expression source, Expression? filter, bool isRecursive, Block body, Block? otherwise, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        context.EnsureStack();
        Run(context, context.Scope, source.Evaluate(context), 0);
        return Flow.Next;
    }

    private void Run(RenderContext context, Scope outer, Value items, int depth0)
    {
        var sequence = items.RequireItems(context);
        if (filter is not null)
        {
            sequence = Filtered(context, outer, sequence, filter);
        }

        Func<RenderContext, Value, int, StringValue>? recurse = isRecursive ? (inner, value, depth) => Recurse(inner, outer, value, depth) : null;
        var caller = context.Scope;
        var loop = new LoopValue(context, items, sequence, filter is not null, depth0, recurse);
        bool anyFinished = false;
        while (loop.Next() is { } item)
        {
            context.Step();
            context.Scope = new Scope(outer);
            context.Scope.Set("loop", loop);
            target.Assign(context, item);
            var flow = body.Execute(context);
            anyFinished |= flow == Flow.Next;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        // As in Jinja, a round that was left by 'break' or 'continue' does not count as one that ran.
        if (!anyFinished && otherwise is not null)
        {
            context.Scope = outer;
            otherwise.ExecuteScoped(context);
        }

        context.Scope = caller;
    }

    private IEnumerable<Value> Filtered(RenderContext context, Scope outer, IEnumerable<Value> items, Expression condition)
    {
        foreach (var item in items)
        {
            // The condition may be asked for in the midst of a round, when the loop looks ahead.
            var current = context.Scope;
            context.Step();
            context.Scope = new Scope(outer);
            target.Assign(context, item);
            bool isWanted = condition.Evaluate(context).IsTrue;
            context.Scope = current;
            if (isWanted)
            {
                yield return item;
            }
        }
    }

    private StringValue Recurse(RenderContext context, Scope outer, Value items, int depth0)
    {
        context.EnterCall();
        var capture = context.BeginCapture();
        Run(context, outer, items, depth0);
        var text = context.EndCapture(capture);
        context.LeaveCall();
        return text;
    }
}

/// <summary><c>{% break %}</c> or <c>{% continue %}</c>.</summary>
internal sealed class JumpNode(Flow flow) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Step();
        return flow;
    }
}
