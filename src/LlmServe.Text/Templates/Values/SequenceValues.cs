namespace LlmServe.Text.Templates;

/// <summary>What lists and tuples share: items that never change.</summary>
internal abstract class SequenceValue : Value
{
    protected SequenceValue(RenderContext context, Value[] elements)
    {
        Elements = elements;
        (Depth, Size) = context.Measure(elements);
    }

    protected SequenceValue(Value[] elements, int depth, long size) => (Elements, Depth, Size) = (elements, depth, size);

    /// <summary>The items; never written to after construction.</summary>
    public Value[] Elements { get; }

    public override int Depth { get; }

    public override long Size { get; }

    public override bool IsTrue => Elements.Length > 0;

    public override int? Length => Elements.Length;

    public override IEnumerable<Value> Items(RenderContext context) => Elements;

    public override Value? GetItem(RenderContext context, Value key) =>
        Operators.TryIndex(key, Elements.Length, out int index) ? Elements[index] : null;

    public override Value GetSlice(RenderContext context, SliceBounds bounds)
    {
        var (start, count) = bounds.Resolve(Elements.Length);
        context.Step(count);
        var picked = new Value[count];
        for (int i = 0; i < count; i++)
        {
            picked[i] = Elements[start + (i * bounds.Step)];
        }

        return Like(context, picked);
    }

    /// <summary>A sequence of the same kind with other items.</summary>
    public abstract SequenceValue Like(RenderContext context, Value[] elements);
}

/// <summary>A list.</summary>
internal sealed class ListValue(RenderContext context, Value[] elements) : SequenceValue(context, elements)
{
    public override string TypeName => "list";

    public override Value? GetAttribute(string name) => CollectionMethods.OfList(this, name);

    public override SequenceValue Like(RenderContext context, Value[] elements) => new ListValue(context, elements);
}

/// <summary>A tuple; one of <c>groupby</c> names its two items <c>grouper</c> and <c>list</c>.</summary>
internal sealed class TupleValue : SequenceValue
{
    private readonly bool _isGroup;

    public TupleValue(RenderContext context, Value[] elements, bool isGroup = false)
        : base(context, elements) => _isGroup = isGroup;

    private TupleValue(Value[] texts)
        : base(texts, 1, texts.Length + 1)
    {
    }

    /// <summary>A tuple of the template's own words, made outside of any render.</summary>
    public static TupleValue OfTexts(string[] texts) => new(Array.ConvertAll(texts, text => (Value)StringValue.Of(text)));

    public override string TypeName => "tuple";

    public override Value? GetAttribute(string name) => (_isGroup, name) switch
    {
        (true, "grouper") => Elements[0],
        (true, "list") => Elements[1],
        _ => CollectionMethods.OfTuple(this, name),
    };

    public override SequenceValue Like(RenderContext context, Value[] elements) => new TupleValue(context, elements);
}

/// <summary>The result of <c>range</c>: numbers that are made when asked for.</summary>
internal sealed class RangeValue(int start, int stop, int step, int count) : Value
{
    public int Start { get; } = start;

    public int Stop { get; } = stop;

    public int StepSize { get; } = step;

    public override string TypeName => "range";

    public override bool IsTrue => count > 0;

    public override int? Length => count;

    public override IEnumerable<Value> Items(RenderContext context)
    {
        for (int i = 0; i < count; i++)
        {
            yield return At(i);
        }
    }

    public override Value? GetItem(RenderContext context, Value key) => Operators.TryIndex(key, count, out int index) ? At(index) : null;

    public override Value GetSlice(RenderContext context, SliceBounds bounds)
    {
        var (first, length) = bounds.Resolve(count);
        long from = Start + ((long)first * StepSize);
        long stride = (long)bounds.Step * StepSize;
        if (length == 0)
        {
            return new RangeValue(0, 0, 1, 0);
        }

        // A step so long that it leaves the numbers picks one item at most, so it can be cut short.
        stride = Math.Clamp(stride, int.MinValue, int.MaxValue);
        return new RangeValue((int)from, (int)Math.Clamp(from + (stride * length), int.MinValue, int.MaxValue), (int)stride, length);
    }

    private IntValue At(int index) => IntValue.Of((int)(Start + ((long)index * StepSize)));
}

/// <summary>
/// The lazy result of <c>map</c>, <c>select</c>, <c>items</c> and the like. As in Python it can be read once; what was read is gone.
/// </summary>
internal sealed class GeneratorValue : Value
{
    private readonly IEnumerator<Value> _items;

    public GeneratorValue(RenderContext context, Value source, IEnumerable<Value> items)
    {
        _items = items.GetEnumerator();
        Depth = context.CheckDepth(source.Depth + 1);
    }

    public override string TypeName => "generator";

    public override int Depth { get; }

    public override IEnumerable<Value> Items(RenderContext context)
    {
        while (_items.MoveNext())
        {
            yield return _items.Current;
        }
    }
}
