using System.Globalization;

namespace LlmServe.Text.Templates;

/// <summary>The argument <c>attribute</c> of filters: <c>a.b.0</c> or an index.</summary>
internal sealed class AttributePath
{
    private readonly Value[] _parts;
    private readonly Value? _fallback;

    /// <param name="context">The render whose limits count.</param>
    /// <param name="attribute">Names and indexes with points between them, or an integer.</param>
    /// <param name="fallback">What stands in for an undefined result; null for none.</param>
    public AttributePath(RenderContext context, Value attribute, Value? fallback = null)
    {
        context.Step();
        _fallback = fallback;
        _parts = attribute is StringValue text
            ? [.. text.Text.Split('.').Select(Part)]
            : [attribute];
    }

    public Value Get(RenderContext context, Value item)
    {
        foreach (var part in _parts)
        {
            context.Step();
            item = Members.Item(context, item, part);
            if (_fallback is not null && item is UndefinedValue)
            {
                item = _fallback;
            }
        }

        return item;
    }

    /// <summary>What a value is ordered and told apart by: itself, or its text in lower case.</summary>
    public static Value SortKey(Value value, bool isCaseSensitive) =>
        !isCaseSensitive && value is StringValue text ? StringValue.Of(PythonCase.Lower(text.Text)) : value;

    private static Value Part(string name) => name.Length is > 0 and < 10 && name.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0
        ? IntValue.Of(int.Parse(name, CultureInfo.InvariantCulture)) : StringValue.Of(name);
}
