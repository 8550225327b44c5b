using System.Globalization;

namespace LlmServe.Text.Templates;

/// <summary>Writes Python's <c>repr</c> of a value.</summary>
internal sealed class ReprWriter(RenderContext context, TextBuilder result)
{
    // Namespaces can hold each other, so values' own depth does not bound the recursion.
    private int _depth;

    public void Append(Value value)
    {
        context.CheckDepth(++_depth);
        context.Step();
        switch (value)
        {
            case StringValue text:
                AppendString(text);
                break;
            case ListValue list:
                AppendItems("[", list.Elements, "]");
                break;
            case TupleValue tuple:
                AppendItems("(", tuple.Elements, tuple.Elements.Length == 1 ? ",)" : ")");
                break;
            case DictValue dict:
                AppendPairs("{", dict.Entries, "}");
                break;
            case DictViewValue view:
                AppendItems(view.TypeName + "([", [.. view.Items(context)], "])");
                break;
            case NamespaceValue space:
                AppendPairs("<Namespace {", [.. space.Attributes.Select(p => KeyValuePair.Create<Value, Value>(p.Key, p.Value))], "}>");
                break;
            default:
                result.Append(Simple(value));
                break;
        }

        _depth--;
    }

    private static string Simple(Value value) => value switch
    {
        NoneValue => "None",
        BoolValue flag => flag.IsTrue ? "True" : "False",
        IntValue integer => integer.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue real => PythonFormat.Float(real.Number),
        UndefinedValue => "Undefined",
        RangeValue range => range.StepSize == 1 ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.StepSize})",
        FunctionValue function => $"<function {function.Name}>",
        BoundMethod method => $"<method {method.Name}>",
        MacroValue macro => $"<Macro {PythonFormat.Quote(macro.Name)}>",
        LoopValue loop => $"<LoopContext {loop.Index0 + 1}/{loop.Length}>",
        _ => $"<{value.TypeName} object>",
    };

    private void AppendString(StringValue text)
    {
        context.ChargeText(text.Text.Length);
        if (text.IsSafe)
        {
            result.Append("Markup(");
        }

        char quote = PythonFormat.QuoteOf(text.Text);
        result.Append(quote).AppendMapped(text, part => PythonFormat.Escaped(part, quote)).Append(quote);
        if (text.IsSafe)
        {
            result.Append(')');
        }
    }

    private void AppendItems(string open, Value[] items, string close)
    {
        context.ChargeText(open.Length + close.Length + (2L * items.Length));
        result.Append(open);
        for (int i = 0; i < items.Length; i++)
        {
            result.Append(i == 0 ? "" : ", ");
            Append(items[i]);
        }

        result.Append(close);
    }

    private void AppendPairs(string open, KeyValuePair<Value, Value>[] pairs, string close)
    {
        context.ChargeText(open.Length + close.Length + (4L * pairs.Length));
        result.Append(open);
        for (int i = 0; i < pairs.Length; i++)
        {
            result.Append(i == 0 ? "" : ", ");
            Append(pairs[i].Key);
            result.Append(": ");
            Append(pairs[i].Value);
        }

        result.Append(close);
    }
}
