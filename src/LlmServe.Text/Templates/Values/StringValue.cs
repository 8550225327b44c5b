namespace LlmServe.Text.Templates;

/// <summary>
/// A string, which Python sees as a sequence of code points; <see cref="IsSafe"/> marks the result of <c>|safe</c> and its heirs, and
/// <see cref="Origin"/> tells what of it the template did not write itself.
/// </summary>
internal sealed class StringValue(string text, Origin origin, bool isSafe = false) : Value
{
    public static readonly StringValue Empty = Of("");

    private static readonly StringValue[] AsciiCharacters = [.. Enumerable.Range(0, 128).Select(i => Of(((char)i).ToString()))];

    private int _length = -1;

    public string Text { get; } = text;

    public Origin Origin { get; } = origin;

    public bool IsSafe { get; } = isSafe;

    public override string TypeName => IsSafe ? "Markup" : "str";

    public override bool IsTrue => Text.Length > 0;

    /// <summary>Number of code points.</summary>
    public override int? Length => _length >= 0 ? _length : _length = CodePoints.Count(Text);

    /// <summary>Whether every code point is one UTF-16 unit, so that indexes need no translation.</summary>
    public bool IsSimple => Length == Text.Length;

    /// <summary>The template's own words.</summary>
    public static StringValue Of(string text) => new(text, Origin.Template);

    /// <summary>Words of the input.</summary>
    public static StringValue FromInput(string text) => new(text, Origin.Input);

    /// <summary>The same text, marked as safe or not.</summary>
    public StringValue With(bool isSafe) => isSafe == IsSafe ? this : new(Text, Origin, isSafe);

    /// <summary>A part, by offsets in UTF-16 units.</summary>
    public StringValue Slice(int start, int end) => start == 0 && end == Text.Length
        ? this : new StringValue(Text[start..end], Origin.Slice(start, end - start), IsSafe);

    /// <summary>A text made of this one by changing its characters, with the same marks as far as places are kept.</summary>
    public StringValue Changed(string changed) =>
        new(changed, changed.Length == Text.Length ? Origin : Origin.Mixed(Origin), IsSafe);

    public override Value? GetAttribute(string name) => StringMethods.Find(name) is { } method ? new BoundMethod(this, method) : null;

    public override Value? GetItem(RenderContext context, Value key)
    {
        if (!Operators.TryIndex(key, Length!.Value, out int index))
        {
            return null;
        }

        if (IsSimple)
        {
            return IsSafe ? Slice(index, index + 1) : CharacterAt(index, 1);
        }

        context.Step(Text.Length >> 6);
        int start = CodePoints.OffsetOf(Text, index);
        return Slice(start, start + CodePoints.LengthAt(Text, start));
    }

    public override Value GetSlice(RenderContext context, SliceBounds bounds)
    {
        var (start, count) = bounds.Resolve(Length!.Value);
        if (count == 0)
        {
            return new StringValue("", Origin.Template, IsSafe);
        }

        context.ChargeText(count);
        if (bounds.Step == 1)
        {
            int from = IsSimple ? start : CodePoints.OffsetOf(Text, start);
            int to = IsSimple ? start + count : CodePoints.OffsetOf(Text, start + count);
            return Slice(from, to);
        }

        int[] points = CodePoints.ToArray(Text);
        context.ChargeText(points.Length);
        var picked = new int[count];
        for (int i = 0; i < count; i++)
        {
            picked[i] = points[start + (i * bounds.Step)];
        }

        return new StringValue(CodePoints.ToText(picked), Origin.Mixed(Origin), IsSafe);
    }

    public override IEnumerable<Value> Items(RenderContext context)
    {
        for (int i = 0; i < Text.Length;)
        {
            int length = CodePoints.LengthAt(Text, i);
            yield return CharacterAt(i, length);
            i += length;
        }
    }

    private StringValue CharacterAt(int offset, int length)
    {
        var origin = Origin.Slice(offset, length);
        return origin.IsTemplate && length == 1 && Text[offset] < 128
            ? AsciiCharacters[Text[offset]] : new StringValue(Text.Substring(offset, length), origin);
    }
}
