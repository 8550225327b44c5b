namespace LlmServe.Text.Templates;

/// <summary>Text between tags.</summary>
internal sealed class DataNode(string text) : Statement
{
    private readonly StringValue _text = StringValue.Of(text);

    public override Flow Execute(RenderContext context)
    {
        context.Write(_text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class OutputNode(Expression value, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        context.Write(PythonFormat.Str(context, value.Evaluate(context)));
        return Flow.Next;
    }
}
