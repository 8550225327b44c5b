namespace LlmServe.Text.Templates;

/// <summary>The <c>loop</c> variable. It looks one item ahead, and only when asked for something that needs it.</summary>
internal sealed class LoopValue : Value
{
    private readonly RenderContext _context;
    private IEnumerator<Value> _items;
    private readonly Func<RenderContext, Value, int, StringValue>? _recurse;
    private int? _length;
    private Value? _previous;
    private Value? _current;
    private Value? _next;
    private Value[]? _lastChanged;

    /// <param name="context">The render that the loop is part of.</param>
    /// <param name="source">What is looped over, for its length.</param>
    /// <param name="items">The items, after the loop's own filter.</param>
    /// <param name="isFiltered">Whether the loop's filter makes the source's length useless.</param>
    /// <param name="depth0">How many recursive calls of the same loop are open.</param>
    /// <param name="recurse">Runs the loop's body over other items, one deeper; null for a loop that is not recursive.</param>
    public LoopValue(
        RenderContext context, Value source, IEnumerable<Value> items, bool isFiltered, int depth0, Func<RenderContext, Value, int, StringValue>? recurse)
    {
        _context = context;
        _items = items.GetEnumerator();
        _length = isFiltered ? null : source.Length;
        Depth0 = depth0;
        _recurse = recurse;
    }

    public override string TypeName => "LoopContext";

    public override bool IsCallable => true;

    public override int? Length => TotalLength();

    /// <summary>Index of the current item; −1 before the first.</summary>
    public int Index0 { get; private set; } = -1;

    public int Depth0 { get; }

    /// <summary>Goes to the next item and returns it, or null at the end.</summary>
    public Value? Next()
    {
        var next = Peek();
        if (next is not null)
        {
            _previous = _current;
            _current = next;
            _next = null;
            Index0++;
        }

        return next;
    }

    public override Value? GetAttribute(string name) => name switch
    {
        "index" => IntValue.Of(Index0 + 1),
        "index0" => IntValue.Of(Index0),
        "first" => BoolValue.Of(Index0 == 0),
        "last" => BoolValue.Of(Peek() is null),
        "length" => IntValue.Of(TotalLength()),
        "revindex" => IntValue.Of(TotalLength() - Index0),
        "revindex0" => IntValue.Of(TotalLength() - Index0 - 1),
        "previtem" => _previous ?? UndefinedValue.Because("there is no previous item"),
        "nextitem" => Peek() ?? UndefinedValue.Because("there is no next item"),
        "depth" => IntValue.Of(Depth0 + 1),
        "depth0" => IntValue.Of(Depth0),
        "cycle" => new BoundMethod(this, CycleMethod),
        "changed" => new BoundMethod(this, ChangedMethod),
        _ => null,
    };

    public override Value Call(RenderContext context, in Arguments arguments)
    {
        if (_recurse is null)
        {
            throw new TemplateRuntimeException("'loop' can be called in a loop that is marked 'recursive' only");
        }

        var bound = arguments.Bind("loop", ["iterable"], 1);
        return _recurse(context, bound[0]!, Depth0 + 1);
    }

    private static readonly BuiltIn CycleMethod = BuiltIn.Variadic("cycle", static (context, self, arguments) =>
    {
        if (arguments.Positional.Length == 0)
        {
            throw new TemplateRuntimeException("loop.cycle needs at least one item");
        }

        return arguments.Positional[((LoopValue)self).Index0 % arguments.Positional.Length];
    });

    private static readonly BuiltIn ChangedMethod = BuiltIn.Variadic("changed", static (context, self, arguments) =>
        BoolValue.Of(((LoopValue)self).HasChanged(context, arguments.Positional)));

    private bool HasChanged(RenderContext context, Value[] values)
    {
        bool same = _lastChanged is not null && _lastChanged.Length == values.Length;
        for (int i = 0; same && i < values.Length; i++)
        {
            same = Comparison.AreEqual(context, _lastChanged![i], values[i]);
        }

        _lastChanged = values;
        return !same;
    }

    private Value? Peek()
    {
        if (_next is null && _items.MoveNext())
        {
            _context.Step();
            _next = _items.Current;
        }

        return _next;
    }

    private int TotalLength()
    {
        if (_length is null)
        {
            // A generator tells its length only by being read, so what is left of it is kept.
            var rest = new List<Value>();
            while (Peek() is { } item)
            {
                rest.Add(item);
                _next = null;
            }

            _length = Index0 + 1 + rest.Count;
            _items = ((IEnumerable<Value>)rest).GetEnumerator();
        }

        return _length.Value;
    }
}
