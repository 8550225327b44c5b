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
        var separator = arguments[0] is null ? StringValue.Empty : PythonFormat.Str(context, arguments[0]!);
        var attribute = arguments[1] is null or NoneValue ? null : new AttributePath(context, arguments[1]!);
        var text = new TextBuilder();
        bool isFirst = true;
        foreach (var item in self.RequireItems(context))
        {
            context.Step();
            var piece = PythonFormat.Str(context, attribute?.Get(context, item) ?? item);
            context.ChargeText((long)piece.Text.Length + separator.Text.Length);
            text.Append(isFirst ? StringValue.Empty : separator).Append(piece);
            isFirst = false;
        }

        return text.ToValue();
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
            return new StringValue(CodePoints.ToText(points), Origin.Mixed(text.Origin), text.IsSafe);
        }

        var items = Take.All(context, self);
        items.Reverse();
        return self.Length is null ? new ListValue(context, [.. items]) : new GeneratorValue(context, self, items);
    }

    private static GeneratorValue Batch(RenderContext context, Value self, Value?[] arguments) =>
        new(context, self, Rows(context, self, Take.Int(arguments[0], 0, "linecount"), arguments[1] is NoneValue ? null : arguments[1]));

    private static IEnumerable<Value> Rows(RenderContext context, Value self, int size, Value? fill)
    {
        var row = new List<Value>();
        foreach (var item in self.RequireItems(context))
        {
            context.Step();
            if (row.Count == size)
            {
                yield return new ListValue(context, [.. row]);
                row.Clear();
            }

            row.Add(item);
        }

        if (row.Count > 0)
        {
            int missing = fill is null ? 0 : Math.Max(0, size - row.Count);
            context.Step(missing);
            row.AddRange(Enumerable.Repeat(fill!, missing));
            yield return new ListValue(context, [.. row]);
        }
    }

    private static GeneratorValue Slice(RenderContext context, Value self, Value?[] arguments) =>
        new(context, self, Columns(context, self, Take.Int(arguments[0], 0, "slices"), arguments[1] is NoneValue ? null : arguments[1]));

    private static IEnumerable<Value> Columns(RenderContext context, Value self, int slices, Value? fill)
    {
        var items = Take.All(context, self);
        if (slices == 0)
        {
            throw new TemplateRuntimeException("the number of slices is zero");
        }

        int from = 0;
        for (int i = 0; i < slices; i++)
        {
            context.Step();
            int longer = items.Count % slices;
            int count = (items.Count / slices) + (i < longer ? 1 : 0);
            var column = items.GetRange(from, count);
            from += count;
            if (fill is not null && i >= longer)
            {
                column.Add(fill);
            }

            yield return new ListValue(context, [.. column]);
        }
    }

    private static GeneratorValue Items(RenderContext context, Value self, Value?[] arguments) => new(context, self, Pairs(context, self));

    private static IEnumerable<Value> Pairs(RenderContext context, Value self)
    {
        if (self is UndefinedValue)
        {
            yield break;
        }

        var dict = self as DictValue ?? throw new TemplateRuntimeException($"items needs a dict, not a value of type '{self.TypeName}'");
        foreach (var entry in dict.Entries)
        {
            yield return new TupleValue(context, [entry.Key, entry.Value]);
        }
    }

    private static GeneratorValue Unique(RenderContext context, Value self, Value?[] arguments)
    {
        var attribute = arguments[1] is null or NoneValue ? null : new AttributePath(context, arguments[1]!);
        return new GeneratorValue(context, self, Distinct(context, self, attribute, Take.Flag(arguments[0])));
    }

    private static IEnumerable<Value> Distinct(RenderContext context, Value self, AttributePath? attribute, bool isCaseSensitive)
    {
        var seen = new HashSet<Value>(ValueComparer.Instance);
        foreach (var item in self.RequireItems(context))
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
