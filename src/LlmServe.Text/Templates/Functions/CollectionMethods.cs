using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>The methods of lists, tuples and dicts. Those that would change the object are closed to templates.</summary>
internal static class CollectionMethods
{
    private static readonly FrozenSet<string> _changesList =
        FrozenSet.Create("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

    private static readonly FrozenSet<string> _changesDict = FrozenSet.Create("clear", "pop", "popitem", "setdefault", "update");

    private static readonly BuiltIn _countMethod = new("count", ["value"], 1, static (context, self, arguments) =>
        IntValue.Of(Counted(context, self).Count(item => Comparison.AreEqual(context, item, arguments[0]!))));

    private static readonly BuiltIn _indexMethod = new("index", ["value"], 1, static (context, self, arguments) =>
    {
        int index = Array.FindIndex(Counted(context, self), item => Comparison.AreEqual(context, item, arguments[0]!));
        return index >= 0 ? IntValue.Of(index) : throw new TemplateRuntimeException("the value that is looked for is not in the list");
    });

    private static readonly BuiltIn _copyMethod = new("copy", [], 0, static (_, self, _) => self);

    private static readonly BuiltIn _getMethod = new("get", ["key", "default"], 1, static (context, self, arguments) =>
    {
        Comparison.RequireHashable(arguments[0]!);
        return self.GetItem(context, arguments[0]!) ?? arguments[1] ?? NoneValue.Instance;
    });

    private static readonly BuiltIn _itemsMethod = View("items", DictViewKind.Items);
    private static readonly BuiltIn _keysMethod = View("keys", DictViewKind.Keys);
    private static readonly BuiltIn _valuesMethod = View("values", DictViewKind.Values);

    public static Value? OfList(ListValue list, string name) => name switch
    {
        "count" => new BoundMethod(list, _countMethod),
        "index" => new BoundMethod(list, _indexMethod),
        "copy" => new BoundMethod(list, _copyMethod),
        _ => _changesList.Contains(name) ? Closed("list", name) : null,
    };

    public static Value? OfTuple(TupleValue tuple, string name) => name switch
    {
        "count" => new BoundMethod(tuple, _countMethod),
        "index" => new BoundMethod(tuple, _indexMethod),
        _ => null,
    };

    public static Value? OfDict(DictValue dict, string name) => name switch
    {
        "get" => new BoundMethod(dict, _getMethod),
        "items" => new BoundMethod(dict, _itemsMethod),
        "keys" => new BoundMethod(dict, _keysMethod),
        "values" => new BoundMethod(dict, _valuesMethod),
        "copy" => new BoundMethod(dict, _copyMethod),
        _ => _changesDict.Contains(name) ? Closed("dict", name) : null,
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
