using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace LlmServe.Text.Templates;

/// <summary>Turns a render's input into values, and does to messages what callers of templates do.</summary>
internal sealed class InputReader(RenderContext context)
{
    // Longer ones are refused by Python too, and reading takes quadratic time.
    private const int MaxIntegerDigits = 4300;

    private static readonly string[] ReasoningNames = ["reasoning_content", "thinking", "reasoning"];

    /// <summary>Puts all variables of an input into <paramref name="variables"/>.</summary>
    public static void Read(RenderContext context, ChatTemplateInput input, Dictionary<string, Value> variables)
    {
        var reader = new InputReader(context);
        variables["documents"] = NoneValue.Instance;
        foreach (var (name, value) in input.Variables)
        {
            variables[name] = reader.Read(value, name, 0);
        }

        variables["bos_token"] = new StringValue(input.BosToken);
        variables["eos_token"] = new StringValue(input.EosToken);
        variables["add_generation_prompt"] = BoolValue.Of(input.AddGenerationPrompt);
        variables["tools"] = input.Tools is { } tools ? reader.Read(tools, "tools", 0) : NoneValue.Instance;
        var messages = new Value[input.Messages.Count];
        for (int i = 0; i < messages.Length; i++)
        {
            messages[i] = reader.ReadMessage(input.Messages[i], i);
        }

        variables["messages"] = new ListValue(context, messages);
    }

    /// <summary>Reads a message: keys whose value is null are dropped, and reasoning gets the names that templates look for.</summary>
    private DictValue ReadMessage(JsonElement message, int index)
    {
        string place = $"messages[{index}]";
        if (message.ValueKind != JsonValueKind.Object)
        {
            throw new TemplateInputException($"{place} is {Describe(message.ValueKind)}; a message is an object with a 'role'");
        }

        var entries = new List<KeyValuePair<Value, Value>>(message.GetPropertyCount() + 2);
        ReadEntries(message, place, 1, entries);
        if (entries.Exists(static entry => entry.Value is NoneValue))
        {
            // Equal keys are united first: a null that comes last hides the value before it.
            entries = [.. new DictValue(context, entries).Entries];
            entries.RemoveAll(static entry => entry.Value is NoneValue);
        }

        var reasoning = FindReasoning(entries);
        if (reasoning is not null)
        {
            // Of equal keys the first position and the last value stay, so a 'thinking' of the message's own keeps its value and goes first.
            entries.Insert(0, new(new StringValue("thinking"), reasoning));
            entries.Add(new(new StringValue("reasoning_content"), reasoning));
        }

        return new DictValue(context, entries);
    }

    private static Value? FindReasoning(List<KeyValuePair<Value, Value>> entries)
    {
        foreach (string name in ReasoningNames)
        {
            // Of equal keys the last value counts.
            for (int i = entries.Count - 1; i >= 0; i--)
            {
                if (((StringValue)entries[i].Key).Text == name)
                {
                    return entries[i].Value;
                }
            }
        }

        return null;
    }

    private Value Read(JsonElement element, string place, int depth)
    {
        context.CheckDepth(depth);
        context.Step();
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return ReadString(element, place);
            case JsonValueKind.Number:
                return ReadNumber(element.GetRawText(), place);
            case JsonValueKind.True:
                return BoolValue.True;
            case JsonValueKind.False:
                return BoolValue.False;
            case JsonValueKind.Array:
                var items = new Value[element.GetArrayLength()];
                int count = 0;
                foreach (var item in element.EnumerateArray())
                {
                    items[count++] = Read(item, place, depth + 1);
                }

                return new ListValue(context, items);
            case JsonValueKind.Object:
                return ReadObject(element, place, depth);
            default:
                return NoneValue.Instance;
        }
    }

    private DictValue ReadObject(JsonElement element, string place, int depth)
    {
        var entries = new List<KeyValuePair<Value, Value>>(element.GetPropertyCount());
        ReadEntries(element, place, depth, entries);
        return new DictValue(context, entries);
    }

    private void ReadEntries(JsonElement element, string place, int depth, List<KeyValuePair<Value, Value>> entries)
    {
        foreach (var property in element.EnumerateObject())
        {
            string name;
            try
            {
                name = property.Name;
            }
            catch (InvalidOperationException)
            {
                throw NotUnicode(place);
            }

            entries.Add(new(new StringValue(name), Read(property.Value, place, depth + 1)));
        }
    }

    private static StringValue ReadString(JsonElement element, string place)
    {
        try
        {
            return new StringValue(element.GetString()!);
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode(place);
        }
    }

    private static Value ReadNumber(string text, string place)
    {
        if (text.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return new FloatValue(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
        }

        return text.Length <= MaxIntegerDigits
            ? IntValue.Of(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
            : throw new TemplateInputException($"{place} holds an integer of {text.Length} digits; {MaxIntegerDigits} are allowed");
    }

    private static TemplateInputException NotUnicode(string place) =>
        new($"{place} holds text that is not Unicode (half of a surrogate pair); send the whole character or leave it out");

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => "null",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        _ => "a bool",
    };
}
