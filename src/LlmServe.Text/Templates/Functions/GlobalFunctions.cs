using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>The functions that every template can call.</summary>
internal static class GlobalFunctions
{
    private const int MaxRange = 100_000;

    private static readonly FrozenDictionary<string, Value> Table = new BuiltIn[]
    {
        new("raise_exception", ["message"], 1, static (context, _, arguments) =>
            throw new TemplateRaisedException(PythonFormat.Str(context, arguments[0]!).Text)),
        new("strftime_now", ["format"], 1, static (context, _, arguments) =>
            new StringValue(Strftime.Format(context, Take.Text(arguments[0], "format") ?? ""), Take.OriginOf(arguments[0]))),
        BuiltIn.Variadic("namespace", static (context, _, arguments) => Namespace(context, arguments)),
        BuiltIn.Variadic("dict", static (context, _, arguments) => new DictValue(context, Pairs(context, "dict", arguments))),
        BuiltIn.Variadic("range", static (_, _, arguments) => Range(arguments)),
        BuiltIn.Variadic("cycler", static (_, _, arguments) => arguments.Positional.Length > 0 && arguments.Named.Length == 0
            ? new CyclerValue(arguments.Positional) : throw new TemplateRuntimeException("cycler needs at least one item")),
        new("joiner", ["sep"], 0, static (_, _, arguments) => new JoinerValue(arguments[0] ?? StringValue.Of(", "))),
        BuiltIn.Variadic("lipsum", static (_, _, _) =>
            throw new TemplateRuntimeException("lipsum is not supported: its text is random, and a render depends on its input alone")),
    }.ToFrozenDictionary(function => function.Name, function => (Value)new FunctionValue(function));

    public static Value? Find(string name) => Table.GetValueOrDefault(name);

    private static NamespaceValue Namespace(RenderContext context, Arguments arguments)
    {
        var space = new NamespaceValue();
        foreach (var (key, value) in Pairs(context, "namespace", arguments))
        {
            space.Set(PythonFormat.Str(context, key), value);
        }

        return space;
    }

    /// <summary>The pairs of one positional argument, a dict or a sequence of pairs, and those of the named ones.</summary>
    private static List<KeyValuePair<Value, Value>> Pairs(RenderContext context, string function, Arguments arguments)
    {
        if (arguments.Positional.Length > 1)
        {
            throw new TemplateRuntimeException($"{function} takes one positional argument at most");
        }

        var pairs = new List<KeyValuePair<Value, Value>>();
        if (arguments.Positional is [DictValue dict])
        {
            pairs.AddRange(dict.Entries);
        }
        else if (arguments.Positional is [var source])
        {
            foreach (var item in Take.All(context, source))
            {
                var pair = Take.All(context, item);
                if (pair.Count != 2)
                {
                    throw new TemplateRuntimeException($"{function} needs a dict or a sequence of pairs");
                }

                Comparison.RequireHashable(pair[0]);
                pairs.Add(new(pair[0], pair[1]));
            }
        }

        pairs.AddRange(arguments.Named.Select(named => named.ToEntry()));
        return pairs;
    }

    private static RangeValue Range(Arguments arguments)
    {
        if (arguments.Positional.Length is < 1 or > 3 || arguments.Named.Length > 0)
        {
            throw new TemplateRuntimeException("range takes one to three arguments");
        }

        int[] bounds = Array.ConvertAll(arguments.Positional, value => value is NoneValue
            ? throw new TemplateRuntimeException("an argument of range is none, not an integer") : Take.Int(value, 0, "range"));
        int start = bounds.Length == 1 ? 0 : bounds[0];
        int stop = bounds.Length == 1 ? bounds[0] : bounds[1];
        int step = bounds.Length == 3 ? bounds[2] : 1;
        if (step == 0)
        {
            throw new TemplateRuntimeException("the step of range is zero");
        }

        long distance = step > 0 ? (long)stop - start : (long)start - stop;
        long count = distance <= 0 ? 0 : (distance + Math.Abs((long)step) - 1) / Math.Abs((long)step);
        return count <= MaxRange
            ? new RangeValue(start, stop, step, (int)count)
            : throw new TemplateRuntimeException($"range would have {count} items; {MaxRange} are allowed");
    }
}
