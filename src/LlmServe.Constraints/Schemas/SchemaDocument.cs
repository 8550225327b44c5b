using System.Text.Json;

namespace LlmServe.Constraints.Schemas;

/// <summary>Where a schema stands in its document.</summary>
/// <param name="Element">The schema.</param>
/// <param name="Pointer">Its JSON pointer from the document's root, as a URI fragment.</param>
/// <param name="Base">What its own <c>$id</c> is relative to, and without one its references.</param>
internal readonly record struct SchemaPlace(JsonElement Element, string Pointer, Uri Base);

/// <summary>
/// The text of a schema, with the names under which its parts can be referred to: <c>$id</c>, <c>$anchor</c>, <c>$dynamicAnchor</c> and JSON pointers.
/// Nothing is ever fetched.
/// </summary>
internal sealed class SchemaDocument
{
    private static readonly Uri Unnamed = new("schema:///root");

    private static readonly string[] SchemaKeywords =
        ["additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"];

    private static readonly string[] ListKeywords = ["allOf", "anyOf", "oneOf", "prefixItems"];

    private static readonly string[] MapKeywords = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

    private readonly Dictionary<string, SchemaPlace> _resources = [];
    private readonly Dictionary<(string Resource, string Anchor), SchemaPlace> _anchors = [];

    /// <param name="root">The whole schema.</param>
    /// <exception cref="ConstraintException">A name is malformed.</exception>
    public SchemaDocument(JsonElement root)
    {
        Root = new SchemaPlace(root, "#", Unnamed);
        _resources.Add(Unnamed.AbsoluteUri, Root);
        Collect(Root);
    }

    /// <summary>The whole schema.</summary>
    public SchemaPlace Root { get; }

    /// <summary>Whether the document is one resource, so that dynamic references mean the same as plain ones.</summary>
    public bool IsOneResource { get; private set; } = true;

    /// <summary>What a reference names.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="from">What it is relative to.</param>
    /// <param name="pointer">Where it stands, for errors.</param>
    /// <exception cref="ConstraintException">It names nothing in the document.</exception>
    public SchemaPlace Resolve(string reference, Uri from, string pointer)
    {
        int mark = reference.IndexOf('#', StringComparison.Ordinal);
        string target = mark < 0 ? reference : reference[..mark];
        string fragment = mark < 0 ? "" : Uri.UnescapeDataString(reference[(mark + 1)..]);
        var resource = target.Length == 0 ? from : Combine(from, target, pointer);
        if (!_resources.TryGetValue(resource.AbsoluteUri, out var place))
        {
            throw new ConstraintException(pointer, $"'{reference}' refers to another document; documents are never fetched, so put the schema under $defs");
        }

        if (fragment.Length == 0)
        {
            return place;
        }

        if (fragment[0] == '/')
        {
            return Follow(place, fragment, reference, pointer);
        }

        return _anchors.TryGetValue((resource.AbsoluteUri, fragment), out var anchored)
            ? anchored : throw new ConstraintException(pointer, $"'{reference}' refers to an anchor that is not there");
    }

    /// <summary>What the references of a schema at a place are relative to.</summary>
    public static Uri BaseAt(SchemaPlace place)
    {
        if (place.Element.ValueKind != JsonValueKind.Object || !place.Element.TryGetProperty("$id", out var id) || id.ValueKind != JsonValueKind.String)
        {
            return place.Base;
        }

        return WithoutFragment(Combine(place.Base, JsonText.Of(id, place.Pointer), JsonText.Step(place.Pointer, "$id")));
    }

    private static SchemaPlace Follow(SchemaPlace place, string fragment, string reference, string pointer)
    {
        foreach (string step in fragment[1..].Split('/'))
        {
            string name = step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (!TryStep(place.Element, name, out var next))
            {
                throw new ConstraintException(pointer, $"'{reference}' refers to a place that is not there");
            }

            place = new SchemaPlace(next, JsonText.Step(place.Pointer, name), BaseAt(place));
        }

        return place;
    }

    private static bool TryStep(JsonElement element, string name, out JsonElement next)
    {
        next = default;
        if (element.ValueKind == JsonValueKind.Object)
        {
            return element.TryGetProperty(name, out next);
        }

        bool inside = element.ValueKind == JsonValueKind.Array && uint.TryParse(name, out uint index) && index < element.GetArrayLength();
        next = inside ? element[int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)] : default;
        return inside;
    }


    private static Uri WithoutFragment(Uri uri) => uri.Fragment.Length == 0 ? uri : new Uri(uri.AbsoluteUri[..^uri.Fragment.Length]);

    private static Uri Combine(Uri from, string target, string pointer) =>
        Uri.TryCreate(from, target, out var uri) ? uri : throw new ConstraintException(pointer, $"'{target}' is no URI");

    private void Collect(SchemaPlace place)
    {
        if (place.Element.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var inside = BaseAt(place);
        if (inside != place.Base)
        {
            IsOneResource &= place.Pointer == "#";
            _resources[inside.AbsoluteUri] = place;
        }

        AddAnchor(place, inside, "$anchor");
        AddAnchor(place, inside, "$dynamicAnchor");
        foreach (var keyword in place.Element.EnumerateObject())
        {
            string name = JsonText.NameOf(keyword, place.Pointer);
            CollectBelow(name, new SchemaPlace(keyword.Value, JsonText.Step(place.Pointer, name), inside));
        }
    }

    private void CollectBelow(string keyword, SchemaPlace place)
    {
        bool isList = place.Element.ValueKind == JsonValueKind.Array;
        if (Array.IndexOf(SchemaKeywords, keyword) >= 0 && !isList)
        {
            Collect(place);
        }
        else if (isList && (Array.IndexOf(ListKeywords, keyword) >= 0 || keyword == "items"))
        {
            for (int i = 0; i < place.Element.GetArrayLength(); i++)
            {
                Collect(place with { Element = place.Element[i], Pointer = $"{place.Pointer}/{i}" });
            }
        }
        else if (place.Element.ValueKind == JsonValueKind.Object && Array.IndexOf(MapKeywords, keyword) >= 0)
        {
            foreach (var entry in place.Element.EnumerateObject())
            {
                Collect(place with { Element = entry.Value, Pointer = JsonText.Step(place.Pointer, JsonText.NameOf(entry, place.Pointer)) });
            }
        }
    }

    private void AddAnchor(SchemaPlace place, Uri inside, string keyword)
    {
        if (place.Element.TryGetProperty(keyword, out var anchor) && anchor.ValueKind == JsonValueKind.String)
        {
            _anchors[(inside.AbsoluteUri, JsonText.Of(anchor, place.Pointer))] = place;
        }
    }
}
