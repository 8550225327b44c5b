using System.Text.Json;

namespace LlmServe.Conversation.Tests;

/// <summary>Tools with arguments of every kind.</summary>
internal static class Tools
{
    public static readonly ToolDefinition Weather = new("get_weather", "The weather of a place.", JsonElement.Parse("""
        {
          "type": "object",
          "properties": {
            "city": {"type": "string"},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}
          },
          "required": ["city", "unit"],
          "additionalProperties": false
        }
        """));

    public static readonly ToolDefinition Plan = new("plan", null, JsonElement.Parse("""
        {
          "type": "object",
          "properties": {
            "exact": {"type": "boolean"},
            "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}, "maxItems": 2},
            "speed": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
            "mode": {"$ref": "#/$defs/Mode"}
          },
          "required": ["exact", "stops"],
          "additionalProperties": false,
          "$defs": {
            "Stop": {"type": "object", "properties": {"name": {"type": "string"}, "minutes": {"type": "integer"}}, "required": ["name"], "additionalProperties": false},
            "Mode": {"enum": ["walk", "ride"]}
          }
        }
        """));

    /// <summary>Without arguments.</summary>
    public static readonly ToolDefinition Time = new("time-now", "The time.", JsonElement.Parse("""{"type": "object", "properties": {}, "additionalProperties": false}"""));

    public static readonly IReadOnlyList<ToolDefinition> All = [Weather, Plan, Time];
}
