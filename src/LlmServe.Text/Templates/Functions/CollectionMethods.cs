using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>The methods of lists, tuples and dicts. Those that would change the object are closed to templates.</summary>
internal static class CollectionMethods
{
    private static readonly FrozenSet<string> ChangesList =
        FrozenSet.Create("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

    private static readonly FrozenSet<string> ChangesDict = FrozenSet.Create("clear", "pop", "popitem", "setdefault", "update");

    private static readonly BuiltIn CountMethod = new("count", ["value"], 1, static (context, self, arguments) =>
        IntValue.Of(Counted(context, self).Count(item => Comparison.AreEqual(context, item, arguments[0]!))));

    private static readonly BuiltIn IndexMethod = new("index", ["value"], 1, static (context, self, arguments) =>
    {
        int index = Array.FindIndex(Counted(context, self), item => Comparison.AreEqual(context, item, arguments[0]!));
        return index >= 0 ? IntValue.Of(index) : throw new TemplateRuntimeException("the value that is looked for is not in the list");
    });

    private static readonly BuiltIn CopyMethod = new("copy", [], 0, static (_, self, _) => self);

    private static readonly BuiltIn GetMethod = new("get", ["key", "default"], 1, static (context, self, arguments) =>
    {
        Comparison.RequireHashable(arguments[0]!);
        return self.GetItem(context, arguments[0]!) ?? arguments[1] ?? NoneValue.Instance;
    });

    private static readonly BuiltIn ItemsMethod = View("items", DictViewKind.Items);
    private static readonly BuiltIn KeysMethod = View("keys", DictViewKind.Keys);
    private static readonly BuiltIn ValuesMethod = View("values", DictViewKind.Values);

    public static Value? OfList(ListValue list, string name) => name switch
    {
        "count" => new BoundMethod(list, CountMethod),
        "index" => new BoundMethod(list, IndexMethod),
        "copy" => new BoundMethod(list, CopyMethod),
        _ => ChangesList.Contains(name) ? Closed("list", name) : null,
    };

    public static Value? OfTuple(TupleValue tuple, string name) => name switch
    {
        "count" => new BoundMethod(tuple, CountMethod),
        "index" => new BoundMethod(tuple, IndexMethod),
        _ => null,
    };

    public static Value? OfDict(DictValue dict, string name) => name switch
    {
        "get" => new BoundMethod(dict, GetMethod),
        "items" => new BoundMethod(dict, ItemsMethod),
        "keys" => new BoundMethod(dict, KeysMethod),
        "values" => new BoundMethod(dict, ValuesMethod),
        "copy" => new BoundMethod(dict, CopyMethod),
        _ => ChangesDict.Contains(name) ? Closed("dict", name) : null,
    };

    private static Value[] Counted(RenderContext context, Value self)
    {
        var items = ((SequenceValue)self).Elements;
        context.Step(items.Length);
        return items;
    }

    private static BuiltIn View(string name, DictViewKind kind) => new(name, [], 0, (_, self, _) => new DictViewValue((DictValue)self, kind));

    private static UndefinedValue Closed(string type, string name) =>
        UndefinedValue.Because($"the method '{name}' would change a {type}, which templates may not do");
}
