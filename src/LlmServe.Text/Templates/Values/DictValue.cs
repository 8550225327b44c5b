namespace LlmServe.Text.Templates;

/// <summary>A dict: pairs in order of insertion, found by key. Small ones are searched, larger ones have a hash table.</summary>
internal sealed class DictValue : Value
{
    private const int SearchedEntries = 8;

    private readonly Dictionary<Value, int>? _index;

    /// <param name="context">The render whose limits count.</param>
    /// <param name="entries">Pairs in order; of equal keys the last value wins and the first position stays.</param>
    public DictValue(RenderContext context, List<KeyValuePair<Value, Value>> entries)
    {
        _index = entries.Count > SearchedEntries ? new Dictionary<Value, int>(entries.Count, ValueComparer.Instance) : null;
        Entries = Unite(context, entries);
        (Depth, Size) = context.Measure(Entries);
    }

    public KeyValuePair<Value, Value>[] Entries { get; }

    public override string TypeName => "dict";

    public override int Depth { get; }

    public override long Size { get; }

    public override bool IsTrue => Entries.Length > 0;

    public override int? Length => Entries.Length;

    public override IEnumerable<Value> Items(RenderContext context)
    {
        foreach (var entry in Entries)
        {
            yield return entry.Key;
        }
    }

    public override Value? GetAttribute(string name) => CollectionMethods.OfDict(this, name);

    public override Value? GetItem(RenderContext context, Value key)
    {
        context.Step(key.Size >> 2);
        return Comparison.IsHashable(key) ? Find(key) : null;
    }

    /// <summary>The value of a key that can be hashed, or null.</summary>
    public Value? Find(Value key)
    {
        int slot = IndexOf(key, Entries, Entries.Length);
        return slot < 0 ? null : Entries[slot].Value;
    }

    /// <summary>The value of a key, or null.</summary>
    public Value? Find(string key)
    {
        if (_index is not null)
        {
            return _index.TryGetValue(StringValue.Of(key), out int slot) ? Entries[slot].Value : null;
        }

        foreach (var entry in Entries)
        {
            if (entry.Key is StringValue text && text.Text == key)
            {
                return entry.Value;
            }
        }

        return null;
    }

    private KeyValuePair<Value, Value>[] Unite(RenderContext context, List<KeyValuePair<Value, Value>> entries)
    {
        var result = new KeyValuePair<Value, Value>[entries.Count];
        int count = 0;
        foreach (var entry in entries)
        {
            context.Step(1 + (entry.Key.Size >> 2));
            int slot = IndexOf(entry.Key, result, count);
            if (slot >= 0)
            {
                result[slot] = new(result[slot].Key, entry.Value);
            }
            else
            {
                result[count] = entry;
                _index?.Add(entry.Key, count);
                count++;
            }
        }

        return count == result.Length ? result : result[..count];
    }

    private int IndexOf(Value key, KeyValuePair<Value, Value>[] entries, int count)
    {
        if (_index is not null)
        {
            return _index.TryGetValue(key, out int slot) ? slot : -1;
        }

        for (int i = 0; i < count; i++)
        {
            if (Comparison.AreEqual(entries[i].Key, key))
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>What <c>d.keys()</c>, <c>d.values()</c> and <c>d.items()</c> give.</summary>
internal sealed class DictViewValue(DictValue dict, DictViewKind kind) : Value
{
    public DictViewKind Kind => kind;

    public override string TypeName => kind switch { DictViewKind.Keys => "dict_keys", DictViewKind.Values => "dict_values", _ => "dict_items" };

    public override int Depth => dict.Depth + 1;

    public override long Size => dict.Size * 2;

    public override bool IsTrue => dict.IsTrue;

    public override int? Length => dict.Length;

    public override IEnumerable<Value> Items(RenderContext context)
    {
        foreach (var entry in dict.Entries)
        {
            yield return kind switch
            {
                DictViewKind.Keys => entry.Key,
                DictViewKind.Values => entry.Value,
                _ => new TupleValue(context, [entry.Key, entry.Value]),
            };
        }
    }
}

/// <summary>Which part of a dict a view shows.</summary>
internal enum DictViewKind
{
    Keys, Values, Items,
}
