namespace LlmServe.Text.Templates;

/// <summary>Python's <c>==</c>, <c>&lt;</c>, <c>in</c> and hashing.</summary>
internal static class Comparison
{
    /// <summary><c>a == b</c>, with its work accounted for.</summary>
    public static bool AreEqual(RenderContext context, Value a, Value b)
    {
        context.Step((Math.Min(a.Size, b.Size) >> 1) + (a is StringValue x && b is StringValue y ? Math.Min(x.Text.Length, y.Text.Length) >> 8 : 0));
        return AreEqual(a, b);
    }

    /// <summary><c>a == b</c>: contents count, and <c>1 == 1.0 == true</c>.</summary>
    public static bool AreEqual(Value a, Value b)
    {
        if (a is StringValue left && b is StringValue right)
        {
            return left.Text == right.Text;
        }

        if (Operators.TryNumber(a, out var x) && Operators.TryNumber(b, out var y))
        {
            return x.CompareTo(y) == 0;
        }

        return (a, b) switch
        {
            (UndefinedValue, UndefinedValue) => true,
            (ListValue m, ListValue n) => AreEqual(m.Elements, n.Elements),
            (TupleValue m, TupleValue n) => AreEqual(m.Elements, n.Elements),
            (DictValue m, DictValue n) => AreEqual(m, n),
            (RangeValue m, RangeValue n) => m.Length == n.Length && (m.Length == 0 || (m.Start == n.Start && (m.Length == 1 || m.StepSize == n.StepSize))),
            _ => ReferenceEquals(a, b),
        };
    }

    /// <summary>Order of two values: negative, zero or positive; a comparison with NaN gives null.</summary>
    /// <exception cref="TemplateRuntimeException">Python cannot order such values.</exception>
    public static int? Order(RenderContext context, Value a, Value b, string sign)
    {
        if (Operators.TryNumber(a, out var x) && Operators.TryNumber(b, out var y))
        {
            return x.CompareTo(y);
        }

        if (a is StringValue left && b is StringValue right)
        {
            context.Step(Math.Min(left.Text.Length, right.Text.Length) >> 6);
            return CodePoints.Compare(left.Text, right.Text);
        }

        if (a is SequenceValue m && b is SequenceValue n && m.GetType() == n.GetType())
        {
            return OrderItems(context, m.Elements, n.Elements, sign);
        }

        throw ((a as UndefinedValue) ?? (b as UndefinedValue))?.Fail()
            ?? new TemplateRuntimeException($"values of the types '{a.TypeName}' and '{b.TypeName}' cannot be compared with '{sign}'");
    }

    /// <summary><c>item in container</c>.</summary>
    public static bool Contains(RenderContext context, Value container, Value item)
    {
        switch (container)
        {
            case StringValue text:
                string sought = item is StringValue part ? part.Text : throw ((item as UndefinedValue)?.Fail()
                    ?? new TemplateRuntimeException($"'in' on a string needs a string on its left, not a value of type '{item.TypeName}'"));
                context.ChargeSearch(text.Text, sought);
                return text.Text.Contains(sought, StringComparison.Ordinal);
            case DictValue dict:
                RequireHashable(item);
                context.Step(item.Size >> 2);
                return dict.Find(item) is not null;
            default:
                var items = container.Items(context)
                    ?? throw new TemplateRuntimeException($"'in' needs a string, list or dict on its right, not a value of type '{container.TypeName}'");
                foreach (var candidate in items)
                {
                    context.Step();
                    if (AreEqual(context, candidate, item))
                    {
                        return true;
                    }
                }

                return false;
        }
    }

    /// <summary>Whether a value can be a dict's key.</summary>
    public static bool IsHashable(Value value) => value switch
    {
        ListValue or DictValue or DictViewValue => false,
        TupleValue tuple => Array.TrueForAll(tuple.Elements, IsHashable),
        _ => true,
    };

    public static void RequireHashable(Value value)
    {
        if (!IsHashable(value))
        {
            throw new TemplateRuntimeException($"a value of type '{value.TypeName}' cannot be a dict's key");
        }
    }

    /// <summary>A hash that is equal for equal values.</summary>
    public static int Hash(Value value)
    {
        switch (value)
        {
            case StringValue text:
                return text.Text.GetHashCode(StringComparison.Ordinal);
            case TupleValue tuple:
                var hash = new HashCode();
                foreach (var item in tuple.Elements)
                {
                    hash.Add(Hash(item));
                }

                return hash.ToHashCode();
            case UndefinedValue:
                return 0;
            case RangeValue range:
                return HashCode.Combine(range.Length, range.IsTrue ? range.Start : 0, range.Length > 1 ? range.StepSize : 0);
            default:
                return Operators.TryNumber(value, out var number) ? number.GetHashCode() : value.GetHashCode();
        }
    }

    private static bool AreEqual(Value[] a, Value[] b)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (!ReferenceEquals(a[i], b[i]) && !AreEqual(a[i], b[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool AreEqual(DictValue a, DictValue b)
    {
        if (a.Entries.Length != b.Entries.Length)
        {
            return false;
        }

        foreach (var (key, value) in a.Entries)
        {
            if (b.Find(key) is not { } other || !AreEqual(value, other))
            {
                return false;
            }
        }

        return true;
    }

    private static int? OrderItems(RenderContext context, Value[] a, Value[] b, string sign)
    {
        int common = Math.Min(a.Length, b.Length);
        for (int i = 0; i < common; i++)
        {
            context.Step();
            if (!AreEqual(context, a[i], b[i]))
            {
                return Order(context, a[i], b[i], sign);
            }
        }

        return a.Length.CompareTo(b.Length);
    }
}

/// <summary>Python's equality as dictionaries need it.</summary>
internal sealed class ValueComparer : IEqualityComparer<Value>
{
    public static readonly ValueComparer Instance = new();

    public bool Equals(Value? x, Value? y) => ReferenceEquals(x, y) || Comparison.AreEqual(x!, y!);

    public int GetHashCode(Value obj) => Comparison.Hash(obj);
}
