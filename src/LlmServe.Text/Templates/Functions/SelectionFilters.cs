namespace LlmServe.Text.Templates;

/// <summary>Filters that go through a sequence item by item: map, select, sort, groupby, min, sum, …</summary>
internal static class SelectionFilters
{
    public static readonly BuiltIn[] All =
    [
        BuiltIn.Variadic("map", Map),
        BuiltIn.Variadic("select", static (context, self, arguments) => Select(context, self, arguments, true, false)),
        BuiltIn.Variadic("reject", static (context, self, arguments) => Select(context, self, arguments, false, false)),
        BuiltIn.Variadic("selectattr", static (context, self, arguments) => Select(context, self, arguments, true, true)),
        BuiltIn.Variadic("rejectattr", static (context, self, arguments) => Select(context, self, arguments, false, true)),
        new("sort", ["reverse", "case_sensitive", "attribute"], 0, Sort),
        new("dictsort", ["case_sensitive", "by", "reverse"], 0, DictSort),
        new("groupby", ["attribute", "default", "case_sensitive"], 1, GroupBy),
        new("min", ["case_sensitive", "attribute"], 0, static (context, self, arguments) => Extreme(context, self, arguments, "<")),
        new("max", ["case_sensitive", "attribute"], 0, static (context, self, arguments) => Extreme(context, self, arguments, ">")),
        new("sum", ["attribute", "start"], 0, Sum),
    ];

    private static Value Map(RenderContext context, Value self, Arguments arguments)
    {
        Func<Value, Value> change;
        if (arguments.Positional.Length == 0)
        {
            var bound = arguments.Bind("map", ["attribute", "default"], 1);
            var path = new AttributePath(context, bound[0]!, bound[1]);
            change = item => path.Get(context, item);
        }
        else
        {
            string name = Take.Text(arguments.Positional[0], "filter") ?? "";
            var filter = Filters.Find(name) ?? throw Filters.Unknown(name);
            var rest = arguments.Skip(1);
            change = item => filter.Invoke(context, item, rest);
        }

        return new GeneratorValue(context, self, Mapped(context, self, change));
    }

    private static IEnumerable<Value> Mapped(RenderContext context, Value source, Func<Value, Value> change)
    {
        // A falsy value is taken as empty, even one that cannot be iterated over.
        foreach (var item in source.IsTrue ? source.RequireItems(context) : [])
        {
            context.Step();
            yield return change(item);
        }
    }

    private static Value Select(RenderContext context, Value self, Arguments arguments, bool wanted, bool byAttribute)
    {
        AttributePath? path = null;
        if (byAttribute)
        {
            if (arguments.Positional.Length == 0)
            {
                throw new TemplateRuntimeException("selectattr and rejectattr need an attribute's name");
            }

            path = new AttributePath(context, arguments.Positional[0]);
            arguments = arguments.Skip(1);
        }

        Func<Value, bool> holds = static item => item.IsTrue;
        if (arguments.Positional.Length > 0)
        {
            string name = Take.Text(arguments.Positional[0], "test") ?? "";
            var test = Tests.Find(name) ?? throw Tests.Unknown(name);
            var rest = arguments.Skip(1);
            holds = item => test.Invoke(context, item, rest).IsTrue;
        }

        return new GeneratorValue(context, self, Selected(context, self, path, holds, wanted));
    }

    private static IEnumerable<Value> Selected(RenderContext context, Value source, AttributePath? path, Func<Value, bool> holds, bool wanted)
    {
        foreach (var item in source.IsTrue ? source.RequireItems(context) : [])
        {
            context.Step();
            if (holds(path?.Get(context, item) ?? item) == wanted)
            {
                yield return item;
            }
        }
    }

    private static Value Sort(RenderContext context, Value self, Value?[] arguments)
    {
        bool isCaseSensitive = Take.Flag(arguments[1]);
        AttributePath[] paths = arguments[2] switch
        {
            null or NoneValue => [],
            StringValue names => [.. names.Text.Split(',').Select(name => new AttributePath(context, StringValue.Of(name)))],
            var index => [new AttributePath(context, index)],
        };
        Value Key(Value item) => paths.Length switch
        {
            0 => AttributePath.SortKey(item, isCaseSensitive),
            _ => new ListValue(context, Array.ConvertAll(paths, path => AttributePath.SortKey(path.Get(context, item), isCaseSensitive))),
        };
        return new ListValue(context, Sorting.Stable(context, Take.All(context, self), Key, Take.Flag(arguments[0])));
    }

    private static Value DictSort(RenderContext context, Value self, Value?[] arguments)
    {
        var dict = self as DictValue ?? throw ((self as UndefinedValue)?.Fail()
            ?? new TemplateRuntimeException($"dictsort needs a dict, not a value of type '{self.TypeName}'"));
        bool isCaseSensitive = Take.Flag(arguments[0]);
        bool byValue = (arguments[1] is null ? "key" : Take.Text(arguments[1], "by")) switch
        {
            "key" => false,
            "value" => true,
            _ => throw new TemplateRuntimeException("the argument 'by' of dictsort is 'key' or 'value'"),
        };
        var sorted = Sorting.Stable(
            context, dict.Entries, entry => AttributePath.SortKey(byValue ? entry.Value : entry.Key, isCaseSensitive), Take.Flag(arguments[2]));
        return new ListValue(context, Array.ConvertAll(sorted, entry => (Value)new TupleValue(context, [entry.Key, entry.Value])));
    }

    private static Value GroupBy(RenderContext context, Value self, Value?[] arguments)
    {
        var path = new AttributePath(context, arguments[0]!, arguments[1]);
        bool isCaseSensitive = Take.Flag(arguments[2]);
        Value Key(Value item) => AttributePath.SortKey(path.Get(context, item), isCaseSensitive);
        var groups = new List<Value>();
        var group = new List<Value>();
        Value? key = null;
        void Close()
        {
            if (key is not null)
            {
                groups.Add(new TupleValue(context, [path.Get(context, group[0]), new ListValue(context, [.. group])], true));
                group.Clear();
            }
        }

        foreach (var item in Sorting.Stable(context, Take.All(context, self), Key))
        {
            var itemKey = Key(item);
            if (key is null || !Comparison.AreEqual(context, key, itemKey))
            {
                Close();
                key = itemKey;
            }

            group.Add(item);
        }

        Close();
        return new ListValue(context, [.. groups]);
    }

    private static Value Extreme(RenderContext context, Value self, Value?[] arguments, string sign)
    {
        bool isCaseSensitive = Take.Flag(arguments[0]);
        var path = arguments[1] is null or NoneValue ? null : new AttributePath(context, arguments[1]!);
        Value? best = null;
        Value? bestKey = null;
        foreach (var item in self.RequireItems(context))
        {
            context.Step();
            var key = AttributePath.SortKey(path?.Get(context, item) ?? item, isCaseSensitive);
            if (bestKey is null || ComparisonNode.Holds(context, sign, key, bestKey))
            {
                best = item;
                bestKey = key;
            }
        }

        return best ?? UndefinedValue.Because("there is no least or greatest item: the sequence is empty");
    }

    private static Value Sum(RenderContext context, Value self, Value?[] arguments)
    {
        var path = arguments[0] is null or NoneValue ? null : new AttributePath(context, arguments[0]!);
        Value total = arguments[1] ?? IntValue.Of(0);
        foreach (var item in self.RequireItems(context))
        {
            total = Operators.Apply(context, "+", total, path?.Get(context, item) ?? item);
        }

        return total;
    }
}
