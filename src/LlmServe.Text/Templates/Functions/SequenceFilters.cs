using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Filters that take a sequence as a whole.</summary>
internal static class SequenceFilters
{
    public static readonly BuiltIn[] All =
    [
        new("length", [], 0, Length),
        new("count", [], 0, Length),
        new("list", [], 0, static (context, self, _) => new ListValue(context, [.. Take.All(context, self)])),
        new("join", ["d", "attribute"], 0, Join),
        new("first", [], 0, static (context, self, _) =>
            self.RequireItems(context).FirstOrDefault() ?? UndefinedValue.Because("there is no first item: the sequence is empty")),
        new("last", [], 0, Last),
        new("reverse", [], 0, Reverse),
        new("batch", ["linecount", "fill_with"], 1, Batch),
        new("slice", ["slices", "fill_with"], 1, Slice),
        new("items", [], 0, Items),
        new("unique", ["case_sensitive", "attribute"], 0, Unique),
    ];

    private static Value Length(RenderContext context, Value self, Value?[] arguments) => IntValue.Of(self.Length
        ?? throw new TemplateRuntimeException($"a value of type '{self.TypeName}' has no length"));

    private static Value Join(RenderContext context, Value self, Value?[] arguments)
    {
        string separator = arguments[0] is null ? "" : PythonFormat.Str(context, arguments[0]!);
        var attribute = arguments[1] is null or NoneValue ? null : new AttributePath(context, arguments[1]!);
        var text = new StringBuilder();
        bool isFirst = true;
        foreach (var item in self.RequireItems(context))
        {
            context.Step();
            string piece = PythonFormat.Str(context, attribute?.Get(context, item) ?? item);
            context.ChargeText((long)piece.Length + separator.Length);
            text.Append(isFirst ? "" : separator).Append(piece);
            isFirst = false;
        }

        return new StringValue(text.ToString());
    }

    private static Value Last(RenderContext context, Value self, Value?[] arguments)
    {
        if (self is GeneratorValue)
        {
            throw new TemplateRuntimeException("last needs a sequence, not a generator; put '|list' before it");
        }

        var items = Take.All(context, self);
        return items.Count > 0 ? items[^1] : UndefinedValue.Because("there is no last item: the sequence is empty");
    }

    private static Value Reverse(RenderContext context, Value self, Value?[] arguments)
    {
        if (self is StringValue text)
        {
            int[] points = CodePoints.ToArray(text.Text);
            context.ChargeText(points.Length * 2L);
            Array.Reverse(points);
            return new StringValue(CodePoints.ToText(points), text.IsSafe);
        }

        var items = Take.All(context, self);
        items.Reverse();
        return new GeneratorValue(context, self, items);
    }

    private static Value Batch(RenderContext context, Value self, Value?[] arguments)
    {
        int size = Take.Int(arguments[0], 0, "linecount");
        var rows = new List<Value>();
        var row = new List<Value>();
        foreach (var item in Take.All(context, self))
        {
            if (row.Count == size)
            {
                rows.Add(new ListValue(context, [.. row]));
                row.Clear();
            }

            row.Add(item);
        }

        if (row.Count > 0)
        {
            if (arguments[1] is { } fill and not NoneValue && row.Count < size)
            {
                context.Step(size);
                row.AddRange(Enumerable.Repeat(fill, size - row.Count));
            }

            rows.Add(new ListValue(context, [.. row]));
        }

        return new GeneratorValue(context, self, rows);
    }

    private static Value Slice(RenderContext context, Value self, Value?[] arguments)
    {
        int slices = Take.Int(arguments[0], 0, "slices");
        if (slices <= 0)
        {
            throw new TemplateRuntimeException("the number of slices is not positive");
        }

        context.Step(slices);
        var items = Take.All(context, self);
        int size = items.Count / slices;
        int longer = items.Count % slices;
        var columns = new List<Value>();
        int from = 0;
        for (int i = 0; i < slices; i++)
        {
            int count = size + (i < longer ? 1 : 0);
            var column = items.GetRange(from, count);
            from += count;
            if (arguments[1] is { } fill and not NoneValue && i >= longer)
            {
                column.Add(fill);
            }

            columns.Add(new ListValue(context, [.. column]));
        }

        return new GeneratorValue(context, self, columns);
    }

    private static Value Items(RenderContext context, Value self, Value?[] arguments) => self switch
    {
        UndefinedValue => new GeneratorValue(context, self, []),
        DictValue dict => new GeneratorValue(context, self, new DictViewValue(dict, DictViewKind.Items).Items(context)),
        _ => throw new TemplateRuntimeException($"items needs a dict, not a value of type '{self.TypeName}'"),
    };

    private static Value Unique(RenderContext context, Value self, Value?[] arguments)
    {
        var attribute = arguments[1] is null or NoneValue ? null : new AttributePath(context, arguments[1]!);
        bool isCaseSensitive = Take.Flag(arguments[0]);
        return new GeneratorValue(context, self, Distinct(context, self.RequireItems(context), attribute, isCaseSensitive));
    }

    private static IEnumerable<Value> Distinct(RenderContext context, IEnumerable<Value> items, AttributePath? attribute, bool isCaseSensitive)
    {
        var seen = new HashSet<Value>(ValueComparer.Instance);
        foreach (var item in items)
        {
            var key = AttributePath.SortKey(attribute?.Get(context, item) ?? item, isCaseSensitive);
            Comparison.RequireHashable(key);
            context.Step(1 + key.Size);
            if (seen.Add(key))
            {
                yield return item;
            }
        }
    }
}
