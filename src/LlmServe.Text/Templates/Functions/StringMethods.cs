using System.Collections.Frozen;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>The methods of Python's strings.</summary>
internal static class StringMethods
{
    private static readonly FrozenDictionary<string, BuiltIn> Table =
        new[] { Changes, StringInspection.All, StringDivision.All }.SelectMany(family => family).ToFrozenDictionary(method => method.Name);

    private static BuiltIn[] Changes =>
    [
        Map("upper", PythonCase.Upper),
        Map("lower", PythonCase.Lower),
        Map("casefold", PythonCase.Fold),
        Map("capitalize", PythonCase.Capitalize),
        Map("title", PythonCase.Title),
        Map("swapcase", PythonCase.Swap),
        Strip("strip", true, true),
        Strip("lstrip", true, false),
        Strip("rstrip", false, true),
        new("replace", ["old", "new", "count"], 2, Replace),
        new("removeprefix", ["prefix"], 1, static (context, self, arguments) => RemoveAffix(context, self, arguments, true)),
        new("removesuffix", ["suffix"], 1, static (context, self, arguments) => RemoveAffix(context, self, arguments, false)),
        Pad("center", Padding.Center),
        Pad("ljust", Padding.Left),
        Pad("rjust", Padding.Right),
        new("zfill", ["width"], 1, static (context, self, arguments) =>
            Padding.Zeros(context, (StringValue)self, Take.Int(arguments[0], 0, "width"))),
        new("join", ["iterable"], 1, Join),
        new("expandtabs", ["tabsize"], 0, ExpandTabs),
        BuiltIn.Variadic("format", BraceFormat.Format),
    ];

    public static BuiltIn? Find(string name) => Table.GetValueOrDefault(name);

    private static BuiltIn Map(string name, Func<string, string> change) => new(name, [], 0, (context, self, _) =>
    {
        var text = (StringValue)self;
        return Take.Changed(context, text, change(text.Text));
    });

    private static BuiltIn Strip(string name, bool atStart, bool atEnd) => new(name, ["chars"], 0, (context, self, arguments) =>
    {
        var text = (StringValue)self;
        var (start, end) = PythonText.Stripped(text.Text, Take.Text(arguments[0], "chars"), atStart, atEnd);
        return Take.Part(context, text, start, end);
    });

    private static BuiltIn Pad(string name, Func<RenderContext, StringValue, int, StringValue, StringValue> pad) =>
        new(name, ["width", "fillchar"], 1, (context, self, arguments) =>
        {
            var fill = Take.Text(arguments[1], "fillchar") is null ? Padding.Blank : (StringValue)arguments[1]!;
            return fill.Text.Length == 1
                ? pad(context, (StringValue)self, Take.Int(arguments[0], 0, "width"), fill)
                : throw new TemplateRuntimeException($"the fill character of {name} is not one character");
        });

    private static Value Replace(RenderContext context, Value self, Value?[] arguments)
    {
        var text = (StringValue)self;
        return StringSearch.Replace(
            context, text, Part(context, text, arguments[0]).Text, Part(context, text, arguments[1]), Take.Int(arguments[2], -1, "count"));
    }

    /// <summary>An argument that is a string; the methods of a safe string escape it.</summary>
    public static StringValue Part(RenderContext context, StringValue self, Value? argument) => argument switch
    {
        StringValue part => self.IsSafe ? Html.Escape(context, part) : part,
        UndefinedValue undefined => throw undefined.Fail(),
        _ => throw new TemplateRuntimeException($"a method of a string needs a string, not a value of type '{argument?.TypeName}'"),
    };

    private static Value RemoveAffix(RenderContext context, Value self, Value?[] arguments, bool isPrefix)
    {
        var text = (StringValue)self;
        string affix = Part(context, text, arguments[0]).Text;
        bool occurs = isPrefix ? text.Text.StartsWith(affix, StringComparison.Ordinal) : text.Text.EndsWith(affix, StringComparison.Ordinal);
        return !occurs ? text : isPrefix
            ? Take.Part(context, text, affix.Length, text.Text.Length) : Take.Part(context, text, 0, text.Text.Length - affix.Length);
    }

    private static Value Join(RenderContext context, Value self, Value?[] arguments)
    {
        var text = (StringValue)self;
        var result = new TextBuilder();
        bool isFirst = true;
        foreach (var item in arguments[0]!.RequireItems(context))
        {
            context.Step();
            var part = Part(context, text, item);
            context.ChargeText((long)part.Text.Length + text.Text.Length);
            result.Append(isFirst ? StringValue.Empty : text).Append(part);
            isFirst = false;
        }

        return result.ToValue(text.IsSafe);
    }

    private static Value ExpandTabs(RenderContext context, Value self, Value?[] arguments)
    {
        var text = (StringValue)self;
        int size = Math.Max(0, Take.Int(arguments[0], 8, "tabsize"));
        int column = 0;
        string Expanded(string part)
        {
            var result = new StringBuilder();
            foreach (char c in part)
            {
                int width = c == '\t' ? size == 0 ? 0 : size - (column % size) : 1;
                context.ChargeText(width);
                result.Append(c == '\t' ? ' ' : c, width);
                column = c is '\n' or '\r' ? 0 : column + (char.IsLowSurrogate(c) ? 0 : width);
            }

            return result.ToString();
        }

        return new TextBuilder().AppendMapped(text, Expanded).ToValue(text.IsSafe);
    }
}
