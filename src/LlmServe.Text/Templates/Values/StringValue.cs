namespace LlmServe.Text.Templates;

/// <summary>A string, which Python sees as a sequence of code points; <see cref="IsSafe"/> marks the result of <c>|safe</c> and its heirs.</summary>
internal sealed class StringValue(string text, bool isSafe = false) : Value
{
    public static readonly StringValue Empty = new("");

    private static readonly StringValue[] AsciiCharacters = [.. Enumerable.Range(0, 128).Select(i => new StringValue(((char)i).ToString()))];

    private int _length = -1;

    public string Text { get; } = text;

    public bool IsSafe { get; } = isSafe;

    public override string TypeName => IsSafe ? "Markup" : "str";

    public override bool IsTrue => Text.Length > 0;

    /// <summary>Number of code points.</summary>
    public override int? Length => _length >= 0 ? _length : _length = CodePoints.Count(Text);

    /// <summary>Whether every code point is one UTF-16 unit, so that indexes need no translation.</summary>
    public bool IsSimple => Length == Text.Length;

    public static StringValue Character(string text) => text.Length == 1 && text[0] < 128 ? AsciiCharacters[text[0]] : new StringValue(text);

    public override Value? GetAttribute(string name) => StringMethods.Find(name) is { } method ? new BoundMethod(this, method) : null;

    public override Value? GetItem(RenderContext context, Value key)
    {
        if (!Operators.TryIndex(key, Length!.Value, out int index))
        {
            return null;
        }

        if (IsSimple)
        {
            return IsSafe ? new StringValue(Text[index].ToString(), true) : Character(Text[index].ToString());
        }

        context.Step(Text.Length >> 6);
        int start = CodePoints.OffsetOf(Text, index);
        return new StringValue(Text.Substring(start, CodePoints.LengthAt(Text, start)), IsSafe);
    }

    public override Value GetSlice(RenderContext context, SliceBounds bounds)
    {
        var (start, count) = bounds.Resolve(Length!.Value);
        if (count == 0)
        {
            return new StringValue("", IsSafe);
        }

        context.ChargeText(count);
        if (bounds.Step == 1)
        {
            int from = IsSimple ? start : CodePoints.OffsetOf(Text, start);
            int to = IsSimple ? start + count : CodePoints.OffsetOf(Text, start + count);
            return new StringValue(Text[from..to], IsSafe);
        }

        int[] points = CodePoints.ToArray(Text);
        context.ChargeText(points.Length);
        var picked = new int[count];
        for (int i = 0; i < count; i++)
        {
            picked[i] = points[start + (i * bounds.Step)];
        }

        return new StringValue(CodePoints.ToText(picked), IsSafe);
    }

    public override IEnumerable<Value> Items(RenderContext context)
    {
        for (int i = 0; i < Text.Length;)
        {
            int length = CodePoints.LengthAt(Text, i);
            yield return Character(Text.Substring(i, length));
            i += length;
        }
    }
}
