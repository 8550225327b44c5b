namespace LlmServe.Text.Templates;

/// <summary>An expression of a template. It never changes, so many renders may evaluate it at once.</summary>
internal abstract class Expression
{
    protected Expression(int depth = 0) => Depth = depth + 1;

    /// <summary>Levels of expressions in here, which bounds the recursion of <see cref="Evaluate"/>.</summary>
    public int Depth { get; }

    public abstract Value Evaluate(RenderContext context);

    protected static int DepthOf(IEnumerable<Expression?> children)
    {
        int depth = 0;
        foreach (var child in children)
        {
            depth = Math.Max(depth, child?.Depth ?? 0);
        }

        return depth;
    }
}

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    Next, Break, Continue,
}

/// <summary>A statement of a template.</summary>
internal abstract class Statement
{
    public abstract Flow Execute(RenderContext context);
}

/// <summary>Statements one after the other.</summary>
internal sealed class Block(Statement[] statements)
{
    public Flow Execute(RenderContext context)
    {
        foreach (var statement in statements)
        {
            var flow = statement.Execute(context);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    /// <summary>Runs the block in a scope of its own.</summary>
    public Flow ExecuteScoped(RenderContext context)
    {
        var outer = context.Scope;
        context.Scope = new Scope(outer);
        var flow = Execute(context);
        context.Scope = outer;
        return flow;
    }
}
