using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace LlmServe.Text.Templates;

/// <summary>Turns a render's input into values, and does to messages what callers of templates do.</summary>
internal sealed class InputReader(RenderContext context)
{
    // Longer ones are refused by Python too, and reading takes quadratic time.
    private const int MaxIntegerDigits = 4300;

    // Some templates spell their marks with the role ('<|' + role + '|>'), so these names count as theirs; any other text in their place stays input.
    private static readonly FrozenDictionary<string, StringValue> Roles = new[]
    {
        "system", "developer", "user", "assistant", "tool", "function", "ipython", "model", "human", "environment", "observation", "context", "latest_reminder",
    }.ToFrozenDictionary(role => role, StringValue.Of);

    private static readonly StringValue RoleKey = StringValue.Of("role");
    private static readonly StringValue ContentKey = StringValue.Of("content");
    private static readonly StringValue ThinkingKey = StringValue.Of("thinking");
    private static readonly StringValue ReasoningContentKey = StringValue.Of("reasoning_content");
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

        variables["bos_token"] = StringValue.Of(input.BosToken);
        variables["eos_token"] = StringValue.Of(input.EosToken);
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
    private DictValue ReadMessage(TemplateMessage message, int index)
    {
        var entries = EntriesOf(message, $"messages[{index}]");
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
            entries.Insert(0, new(ThinkingKey, reasoning));
            entries.Add(new(ReasoningContentKey, reasoning));
        }

        return new DictValue(context, entries);
    }

    private List<KeyValuePair<Value, Value>> EntriesOf(TemplateMessage message, string place)
    {
        if (message.Json is { } json)
        {
            return json.ValueKind == JsonValueKind.Object
                ? ReadMembers(json, place, 1, isMessage: true)
                : throw new TemplateInputException($"{place} is {Describe(json.ValueKind)}; a message is an object with a 'role'");
        }

        var entries = new List<KeyValuePair<Value, Value>>(message.Fields.Count + 4) { new(RoleKey, Role(ReadText(message.Role))) };
        if (message.Content is { } content)
        {
            entries.Add(new(ContentKey, Read(content, place, 1)));
        }

        foreach (var (name, value) in message.Fields)
        {
            entries.Add(new(ReadText(name), Read(value, place, 1)));
        }

        return entries;
    }

    private static Value Role(Value role) => role is StringValue name && Roles.TryGetValue(name.Text, out var known) ? known : role;

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

    private Value Read(TemplateValue value, string place, int depth)
    {
        context.CheckDepth(depth);
        context.Step();
        switch (value.Content)
        {
            case string text:
                return ReadText(text);
            case bool flag:
                return BoolValue.Of(flag);
            case JsonElement json:
                return Read(json, place, depth);
            case IReadOnlyList<TemplateValue> list:
                return new ListValue(context, [.. list.Select(item => Read(item, place, depth + 1))]);
            case IReadOnlyList<KeyValuePair<string, TemplateValue>> members:
                return new DictValue(
                    context, [.. members.Select(member => KeyValuePair.Create<Value, Value>(ReadText(member.Key), Read(member.Value, place, depth + 1)))]);
            default:
                return NoneValue.Instance;
        }
    }

    /// <summary>A text of the input, made Unicode.</summary>
    private static StringValue ReadText(string text)
    {
        bool isUnicode = true;
        for (int i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF'); isUnicode && i >= 0 && i < text.Length;)
        {
            isUnicode = !char.IsSurrogate(text[i]) || CodePoints.LengthAt(text, i) == 2;
            i += CodePoints.LengthAt(text, i);
        }

        return StringValue.FromInput(isUnicode ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));
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
                return new DictValue(context, ReadMembers(element, place, depth));
            default:
                return NoneValue.Instance;
        }
    }

    private List<KeyValuePair<Value, Value>> ReadMembers(JsonElement element, string place, int depth, bool isMessage = false)
    {
        var entries = new List<KeyValuePair<Value, Value>>(element.GetPropertyCount() + 2);
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

            var value = Read(property.Value, place, depth + 1);
            entries.Add(new(StringValue.FromInput(name), isMessage && name == "role" ? Role(value) : value));
        }

        return entries;
    }

    private static StringValue ReadString(JsonElement element, string place)
    {
        try
        {
            return StringValue.FromInput(element.GetString()!);
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
