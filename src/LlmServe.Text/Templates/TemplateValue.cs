using System.Text.Json;

namespace LlmServe.Text.Templates;

/// <summary>
/// A value that a template is given: text, a bool, a list, an object, or JSON as it was sent, so that integers of any length, the difference of <c>1</c>
/// and <c>1.0</c> and the order of keys reach the template. The document of a JSON element must stay alive while <see cref="ChatTemplate.Render"/> runs.
/// </summary>
public sealed class TemplateValue
{
    private TemplateValue(object? content) => Content = content;

    /// <summary>The template's <c>none</c>.</summary>
    public static TemplateValue None { get; } = new(null);

    /// <summary>A string, a <see cref="bool"/>, a <see cref="JsonElement"/>, a list of values, a list of pairs, or null.</summary>
    internal object? Content { get; }

    /// <summary>A list.</summary>
    public static TemplateValue List(IReadOnlyList<TemplateValue> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new(items);
    }

    /// <summary>An object. Of equal names the last value counts, at the place of the first.</summary>
    public static TemplateValue Object(params IReadOnlyList<KeyValuePair<string, TemplateValue>> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        return new(members);
    }

    /// <summary>A text; unpaired surrogates in it become U+FFFD.</summary>
    public static TemplateValue FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(text);
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public static TemplateValue FromBoolean(bool value) => new(value);

    /// <summary>JSON as it was sent.</summary>
    public static TemplateValue FromJson(JsonElement json) => new(json);

    /// <inheritdoc cref="FromText"/>
    public static implicit operator TemplateValue(string text) => FromText(text);

    /// <inheritdoc cref="FromBoolean"/>
    public static implicit operator TemplateValue(bool value) => FromBoolean(value);

    /// <inheritdoc cref="FromJson"/>
    public static implicit operator TemplateValue(JsonElement json) => FromJson(json);
}
