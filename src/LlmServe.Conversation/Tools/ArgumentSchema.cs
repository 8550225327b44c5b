using System.Text;
using System.Text.Json;

namespace LlmServe.Conversation;

/// <summary>A schema within a tool's parameters, and what it says of its values, as far as formats that are not JSON need to know.</summary>
/// <param name="Element">The schema.</param>
/// <param name="Root">The schema of the tool's parameters.</param>
/// <param name="Pointer">Where in it this one stands, a JSON pointer.</param>
internal readonly record struct ArgumentSchema(JsonElement Element, JsonElement Root, string Pointer)
{
    private const int MostDepth = 16;
    private const string RootName = "urn:llmserve:tool";

    private static readonly JsonElement Anything = JsonElement.Parse("true");

    /// <summary>The schema of all of a tool's arguments.</summary>
    public static ArgumentSchema Of(JsonElement parameters) => new(parameters, parameters, "");

    /// <summary>How a value is written in a format that is not JSON.</summary>
    public ArgumentKind Kind => Types is var types && (types & JsonTypes.Text) == 0 ? ArgumentKind.Json
        : types is JsonTypes.Text or JsonTypes.All ? ArgumentKind.Text : ArgumentKind.TextOrJson;

    /// <summary>The types that values can have.</summary>
    public JsonTypes Types => TypesOf(0);

    /// <summary>The strings that values can be; null where they are not listed.</summary>
    public IReadOnlyList<string>? Texts => TextsOf(0);

    /// <summary>The schema behind a reference.</summary>
    public ArgumentSchema Resolved
    {
        get
        {
            var schema = this;
            for (int i = 0; i < MostDepth && schema.Referred() is { } next; i++)
            {
                schema = next;
            }

            return schema;
        }
    }

    /// <summary>The schemas of which a value fits one; this alone where there is no choice.</summary>
    public IReadOnlyList<ArgumentSchema> Branches
    {
        get
        {
            var resolved = Resolved;
            var branches = resolved.Parts("anyOf").Concat(resolved.Parts("oneOf")).ToList();
            return branches.Count > 0 ? branches : [resolved];
        }
    }

    /// <summary>The schema of the items of a list; null where any will do.</summary>
    public ArgumentSchema? Items => Find("items") is { } items ? new(items, Root, Pointer + "/items") : null;

    /// <summary>The number that a keyword says, such as <c>maxItems</c>; null where it is not there.</summary>
    public int? Count(string keyword) => Find(keyword) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out int count) && count >= 0 ? count : null;

    /// <summary>The members of an object, those that are only required last; null where the schema lists none, so that any may come.</summary>
    public IReadOnlyList<ArgumentMember>? Members
    {
        get
        {
            var (_, root, pointer) = this;
            if (Find("properties") is not { ValueKind: JsonValueKind.Object } properties)
            {
                return null;
            }

            var required = new List<string>();
            if (Find("required") is { ValueKind: JsonValueKind.Array } names)
            {
                required.AddRange(names.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!).Distinct());
            }

            var members = properties.EnumerateObject().Select(property => new ArgumentMember(
                property.Name, required.Remove(property.Name), new(property.Value, root, $"{pointer}/properties/{Escaped(property.Name)}"))).ToList();
            members.AddRange(required.Select(name => new ArgumentMember(name, true, new(Anything, Anything, ""))));
            return members;
        }
    }

    /// <summary>The schema as a document of its own, for objects alone: a tool's arguments are nothing else.</summary>
    public JsonElement ForObjects() => Types == JsonTypes.Object ? Alone() : Alone(JsonTypes.Object);

    /// <summary>The schema as a document of its own.</summary>
    /// <param name="types">Types to which it is narrowed.</param>
    public JsonElement Alone(JsonTypes types = JsonTypes.All)
    {
        // References keep their meaning only within the whole.
        bool refers = Element.ValueKind == JsonValueKind.Object && Element.GetRawText().Contains("Ref\"", StringComparison.OrdinalIgnoreCase);
        if (types == JsonTypes.All && (!refers || Pointer.Length == 0))
        {
            return Element;
        }

        var text = new StringBuilder("{");
        if (types != JsonTypes.All)
        {
            text.Append("\"type\": [").AppendJoin(", ", Names.Where(name => (types & name.Type) != 0).Select(name => $"\"{name.Name}\"")).Append("], ");
        }

        if (!refers)
        {
            return JsonElement.Parse(text.Append("\"allOf\": [").Append(Element.GetRawText()).Append("]}").ToString());
        }

        string name = Root.TryGetProperty("$id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : RootName;
        string root = name == RootName ? $"{{\"$id\": \"{RootName}\", {Root.GetRawText().TrimStart()[1..]}" : Root.GetRawText();
        string reference = JsonEncodedText.Encode($"{name}#{string.Join('/', Pointer.Split('/').Select(Uri.EscapeDataString))}").ToString();
        return JsonElement.Parse(text.Append($"\"allOf\": [{{\"$ref\": \"{reference}\"}}], \"$defs\": {{\"tool\": {root}}}}}").ToString());
    }

    /// <summary>The type of a value.</summary>
    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => JsonTypes.Text,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.Array => JsonTypes.List,
        JsonValueKind.Object => JsonTypes.Object,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        _ => JsonTypes.Null,
    };

    private static readonly (string Name, JsonTypes Type)[] Names =
    [
        ("null", JsonTypes.Null), ("boolean", JsonTypes.Boolean), ("number", JsonTypes.Number), ("integer", JsonTypes.Number), ("string", JsonTypes.Text),
        ("array", JsonTypes.List), ("object", JsonTypes.Object),
    ];

    private static JsonTypes Named(JsonElement name) =>
        name.ValueKind == JsonValueKind.String ? Array.Find(Names, known => name.ValueEquals(known.Name)).Type : JsonTypes.None;

    private static string Escaped(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private JsonTypes TypesOf(int depth)
    {
        if (Element.ValueKind != JsonValueKind.Object || depth > MostDepth)
        {
            return Element.ValueKind == JsonValueKind.False ? JsonTypes.None : JsonTypes.All;
        }

        var types = Find("type") switch
        {
            { ValueKind: JsonValueKind.String } name => Named(name),
            { ValueKind: JsonValueKind.Array } names => names.EnumerateArray().Aggregate(JsonTypes.None, (sum, name) => sum | Named(name)),
            _ => JsonTypes.All,
        };
        types &= Find("const") is { } only ? TypeOf(only) : JsonTypes.All;
        types &= Find("enum") is { ValueKind: JsonValueKind.Array } values
            ? values.EnumerateArray().Aggregate(JsonTypes.None, (sum, value) => sum | TypeOf(value)) : JsonTypes.All;
        types &= Referred()?.TypesOf(depth + 1) ?? JsonTypes.All;
        types = Parts("allOf").Aggregate(types, (sum, part) => sum & part.TypesOf(depth + 1));
        foreach (string choice in new[] { "anyOf", "oneOf" })
        {
            var parts = Parts(choice);
            types &= parts.Count == 0 ? JsonTypes.All : parts.Aggregate(JsonTypes.None, (sum, part) => sum | part.TypesOf(depth + 1));
        }

        return types;
    }

    private IReadOnlyList<string>? TextsOf(int depth)
    {
        if (Element.ValueKind != JsonValueKind.Object || depth > MostDepth)
        {
            return null;
        }

        if (Find("const") is { ValueKind: JsonValueKind.String } only)
        {
            return [only.GetString()!];
        }

        if (Find("enum") is { ValueKind: JsonValueKind.Array } values)
        {
            string[] texts = [.. values.EnumerateArray().Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!)];
            return texts.Length > 0 ? texts : null;
        }

        if ((Referred() ?? Parts("allOf").Cast<ArgumentSchema?>().FirstOrDefault(part => part!.Value.TextsOf(depth + 1) is not null)) is { } other)
        {
            return other.TextsOf(depth + 1);
        }

        var branches = Parts("anyOf").Concat(Parts("oneOf")).Where(branch => (branch.TypesOf(depth + 1) & JsonTypes.Text) != 0).ToList();
        var listed = branches.Select(branch => branch.TextsOf(depth + 1)).ToList();
        return listed.Count == 0 || listed.Contains(null) ? null : [.. listed.SelectMany(texts => texts!).Distinct(StringComparer.Ordinal)];
    }

    private JsonElement? Find(string keyword) => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(keyword, out var value) ? value : null;

    private List<ArgumentSchema> Parts(string keyword)
    {
        var (_, root, pointer) = this;
        return Find(keyword) is { ValueKind: JsonValueKind.Array } parts
            ? [.. parts.EnumerateArray().Select((part, i) => new ArgumentSchema(part, root, $"{pointer}/{keyword}/{i}"))] : [];
    }

    /// <summary>The schema that this one refers to within the tool's parameters.</summary>
    private ArgumentSchema? Referred()
    {
        if (Find("$ref") is not { ValueKind: JsonValueKind.String } reference || reference.GetString() is not ['#', .. var pointer])
        {
            return null;
        }

        var target = Root;
        foreach (string step in pointer.Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (target.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && index >= 0 && index < target.GetArrayLength())
            {
                target = target[index];
            }
            else if (target.ValueKind != JsonValueKind.Object || !target.TryGetProperty(name, out target))
            {
                return null;
            }
        }

        return new(target, Root, Uri.UnescapeDataString(pointer));
    }
}
