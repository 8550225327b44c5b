namespace LlmServe.Text.Templates;

/// <summary>One condition of an <c>if</c> statement and what runs where it holds.</summary>
internal sealed record Branch(Expression Condition, Block Body, int Line);

/// <summary><c>{% if %} … {% elif %} … {% else %} … {% endif %}</c>; it has no scope of its own.</summary>
internal sealed class IfNode(Branch[] branches, Block? otherwise) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        foreach (var branch in branches)
        {
            context.Line = branch.Line;
            context.Step();
            if (branch.Condition.Evaluate(context).IsTrue)
            {
                return branch.Body.Execute(context);
            }
        }

        return otherwise?.Execute(context) ?? Flow.Next;
    }
}
