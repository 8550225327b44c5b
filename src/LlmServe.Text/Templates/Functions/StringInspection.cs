using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Methods of strings that find something or say what a string is made of.</summary>
internal static class StringInspection
{
    public static BuiltIn[] All =>
    [
        new("startswith", ["prefix", "start", "end"], 1, static (context, self, arguments) => HasAffix(context, self, arguments, true)),
        new("endswith", ["suffix", "start", "end"], 1, static (context, self, arguments) => HasAffix(context, self, arguments, false)),
        new("find", ["sub", "start", "end"], 1, static (context, self, arguments) => IntValue.Of(Find(context, self, arguments, false))),
        new("rfind", ["sub", "start", "end"], 1, static (context, self, arguments) => IntValue.Of(Find(context, self, arguments, true))),
        new("index", ["sub", "start", "end"], 1, static (context, self, arguments) => Index(context, self, arguments, false)),
        new("rindex", ["sub", "start", "end"], 1, static (context, self, arguments) => Index(context, self, arguments, true)),
        new("count", ["sub", "start", "end"], 1, Count),
        Is("isspace", static rune => rune.IsBmp && PythonText.IsWhitespace((char)rune.Value)),
        Is("isalpha", Rune.IsLetter),
        Is("isdecimal", static rune => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber),
        Is("isdigit", static rune => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0),
        Is("isnumeric", static rune => Rune.IsNumber(rune)),
        Is("isalnum", static rune => Rune.IsLetter(rune) || Rune.IsNumber(rune)),
        new("isascii", [], 0, static (_, self, _) => BoolValue.Of(Ascii.IsValid(((StringValue)self).Text))),
        new("isprintable", [], 0, static (_, self, _) =>
            BoolValue.Of(Array.TrueForAll(CodePoints.ToArray(((StringValue)self).Text), static point => point == ' ' || PythonFormat.IsPrintable(point)))),
        new("isidentifier", [], 0, static (_, self, _) => BoolValue.Of(IsIdentifier(((StringValue)self).Text))),
        new("islower", [], 0, static (_, self, _) => BoolValue.Of(PythonCase.IsLower(((StringValue)self).Text))),
        new("isupper", [], 0, static (_, self, _) => BoolValue.Of(PythonCase.IsUpper(((StringValue)self).Text))),
        new("istitle", [], 0, static (_, self, _) => BoolValue.Of(PythonCase.IsTitle(((StringValue)self).Text))),
    ];

    private static BuiltIn Is(string name, Func<Rune, bool> holds) => new(name, [], 0, (_, self, _) =>
    {
        string text = ((StringValue)self).Text;
        return BoolValue.Of(text.Length > 0 && text.EnumerateRunes().All(holds));
    });

    private static bool IsIdentifier(string text) => text.Length > 0 && !char.IsDigit(text[0])
        && text.All(static c => c == '_' || char.IsLetterOrDigit(c) || char.GetUnicodeCategory(c) == UnicodeCategory.NonSpacingMark);

    /// <summary>The part of the text that the arguments 'start' and 'end' leave, and where it begins; null if 'start' lies past the end.</summary>
    private static (string Text, int Start)? Window(StringValue text, Value?[] arguments)
    {
        if (arguments[1] is null or NoneValue && arguments[2] is null or NoneValue)
        {
            return (text.Text, 0);
        }

        int start = Take.Int(arguments[1], 0, "start");
        if (start > text.Length)
        {
            return null;
        }

        var (first, count) = new SliceBounds(start, arguments[2] is null or NoneValue ? null : Take.Int(arguments[2], 0, "end"), 1).Resolve(text.Length!.Value);
        int from = CodePoints.OffsetOf(text.Text, first);
        return (text.Text[from..CodePoints.OffsetOf(text.Text, first + count)], first);
    }

    private static Value HasAffix(RenderContext context, Value self, Value?[] arguments, bool isPrefix)
    {
        var text = (StringValue)self;
        if (Window(text, arguments) is not { } window)
        {
            return BoolValue.False;
        }

        Value[] affixes = arguments[0] is TupleValue tuple ? tuple.Elements : [arguments[0]!];
        foreach (var affix in affixes)
        {
            string part = StringMethods.Part(context, StringValue.Empty, affix).Text;
            context.Step(part.Length >> 6);
            if (isPrefix ? window.Text.StartsWith(part, StringComparison.Ordinal) : window.Text.EndsWith(part, StringComparison.Ordinal))
            {
                return BoolValue.True;
            }
        }

        return BoolValue.False;
    }

    private static int Find(RenderContext context, Value self, Value?[] arguments, bool fromEnd)
    {
        var text = (StringValue)self;
        string part = StringMethods.Part(context, StringValue.Empty, arguments[0]).Text;
        if (Window(text, arguments) is not { } window)
        {
            return -1;
        }

        context.ChargeSearch(window.Text, part);
        int offset = fromEnd
            ? window.Text.AsSpan().LastIndexOf(part, StringComparison.Ordinal) : window.Text.IndexOf(part, StringComparison.Ordinal);
        return offset < 0 ? -1 : window.Start + CodePoints.Count(window.Text[..offset]);
    }

    private static Value Index(RenderContext context, Value self, Value?[] arguments, bool fromEnd)
    {
        int index = Find(context, self, arguments, fromEnd);
        return index >= 0 ? IntValue.Of(index) : throw new TemplateRuntimeException("the text that is looked for does not occur");
    }

    private static Value Count(RenderContext context, Value self, Value?[] arguments)
    {
        string part = StringMethods.Part(context, StringValue.Empty, arguments[0]).Text;
        if (Window((StringValue)self, arguments) is not { } window)
        {
            return IntValue.Of(0);
        }

        context.ChargeSearch(window.Text, part);
        return IntValue.Of(part.Length == 0 ? CodePoints.Count(window.Text) + 1 : window.Text.AsSpan().Count(part));
    }
}
