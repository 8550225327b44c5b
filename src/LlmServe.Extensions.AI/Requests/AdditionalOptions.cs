using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>
/// Reads the options that Microsoft.Extensions.AI has no name for. Their values may be what C# has for them, texts, or JSON, as configuration and other
/// libraries leave them. Names that mean nothing here are passed over.
/// </summary>
internal readonly struct AdditionalOptions(AdditionalPropertiesDictionary? values)
{
    /// <summary>A number; null: there is none.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public float? Single(string name) => Number(name) is { } number ? (float)number : null;

    /// <summary>A whole number; null: there is none.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public int? Int32(string name) => Number(name) switch
    {
        null => null,
        { } number when number == Math.Truncate(number) && Math.Abs(number) <= int.MaxValue => (int)number,
        { } number => throw Wrong(name, number, "a whole number"),
    };

    /// <summary>A text; null: there is none.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public string? Text(string name) => Find(name) switch
    {
        null => null,
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString(),
        var other => throw Wrong(name, other, "a text"),
    };

    /// <summary>A list of texts; null: there is none.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public IReadOnlyList<string>? Texts(string name) => Find(name) switch
    {
        null => null,
        IEnumerable<string> texts => [.. texts],
        JsonElement { ValueKind: JsonValueKind.Array } texts when texts.EnumerateArray().All(text => text.ValueKind == JsonValueKind.String) =>
            [.. texts.EnumerateArray().Select(text => text.GetString()!)],
        var other => throw Wrong(name, other, "a list of texts"),
    };

    /// <summary>Whether something holds; null: nothing is said.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public bool? Boolean(string name) => Find(name) switch
    {
        null => null,
        bool value => value,
        JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } value => value.GetBoolean(),
        string text when bool.TryParse(text, out bool value) => value,
        var other => throw Wrong(name, other, "true or false"),
    };

    /// <summary>An object as JSON text; null: there is none.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public string? Json(string name) => Find(name) switch
    {
        null => null,
        string json => json,
        JsonElement { ValueKind: JsonValueKind.Object } json => json.GetRawText(),
        IDictionary<string, object?> members => JsonWriting.Text(json => JsonWriting.WriteObject(json, members)),
        var other => throw Wrong(name, other, "a JSON object"),
    };

    /// <summary>How many of the likeliest tokens to report; null: no log-probabilities are asked for.</summary>
    /// <exception cref="ArgumentException">A value is neither a number nor a boolean.</exception>
    public int? Logprobs()
    {
        int? alternatives = Int32("top_logprobs");
        bool isSwitch = Find("logprobs") is bool or JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } or "true" or "false";
        return isSwitch
            ? Boolean("logprobs") == true ? alternatives ?? 0 : null
            : Int32("logprobs") ?? alternatives;
    }

    /// <summary>What is added to logits, by token id.</summary>
    /// <exception cref="ArgumentException">It is no object of numbers by token ids.</exception>
    public IEnumerable<KeyValuePair<int, float>> LogitBias() => Find("logit_bias") switch
    {
        null => [],
        IEnumerable<KeyValuePair<int, float>> biases => biases,
        IEnumerable<KeyValuePair<int, int>> biases => biases.Select(bias => KeyValuePair.Create(bias.Key, (float)bias.Value)),
        JsonElement { ValueKind: JsonValueKind.Object } biases => [.. biases.EnumerateObject().Select(bias => Bias(bias.Name, bias.Value))],
        IDictionary<string, object?> biases => [.. biases.Select(bias => Bias(bias.Key, bias.Value))],
        var other => throw Wrong("logit_bias", other, "numbers by token ids"),
    };

    private static KeyValuePair<int, float> Bias(string token, object? bias) =>
        int.TryParse(token, CultureInfo.InvariantCulture, out int id) && NumberOf(bias) is { } number
            ? KeyValuePair.Create(id, (float)number)
            : throw Wrong("logit_bias", $"{token}: {bias}", "numbers by token ids");

    private double? Number(string name) => Find(name) is { } value ? NumberOf(value) ?? throw Wrong(name, value, "a number") : null;

    private static double? NumberOf(object? value) => value switch
    {
        int number => number,
        long number => number,
        float number => number,
        double number => number,
        decimal number => (double)number,
        JsonElement { ValueKind: JsonValueKind.Number } number => number.GetDouble(),
        JsonElement { ValueKind: JsonValueKind.String } text => NumberOf(text.GetString()),
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => number,
        _ => null,
    };

    private object? Find(string name) =>
        values is not null && values.TryGetValue(name, out object? value) && value is not JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } ? value : null;

    private static ArgumentException Wrong(string name, object found, string allowed) => new(
        string.Create(CultureInfo.InvariantCulture, $"ChatOptions.AdditionalProperties[\"{name}\"] is {found} ({found.GetType().Name}); it must be {allowed}."), "options");
}
