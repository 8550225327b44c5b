using System.Text.Json;

namespace LlmServe.Conversation;

/// <summary>A function that the model may call.</summary>
/// <param name="Name">Letters, digits, <c>_</c>, <c>.</c> and <c>-</c>, at most 64.</param>
/// <param name="Description">What it does, for the model.</param>
/// <param name="Parameters">A JSON Schema of its arguments, an object; null: any arguments.</param>
/// <param name="Strict">Whether a schema that cannot be honoured is refused, instead of any JSON object being allowed.</param>
public sealed record ToolDefinition(string Name, string? Description = null, JsonElement? Parameters = null, bool Strict = false)
{
    /// <summary>The tool as the caller's request has it, which is what templates are given; null: it is put together from the properties.</summary>
    public JsonElement? Source { get; init; }

    /// <summary>Longest name.</summary>
    public const int LongestName = 64;

    /// <summary>Whether a text can be a tool's name.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
}
