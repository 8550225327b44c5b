using System.Text.Json.Nodes;

namespace LlmServe.Constraints.Tests;

/// <summary>Makes random schemas of what is supported; the same for the same seed.</summary>
internal sealed class SchemaGenerator(int seed)
{
    private static readonly string[] Names = ["a", "ab", "name", "größe", "x-1", "", "with space", "\"q\"", "日本", "b\\c"];

    private static readonly string[] Patterns =
    [
        "^[a-z]{1,5}$", "[0-9]", "^a|b$", "^(cat|dog)s?$", "^\\d{3}-\\d{2}$", "^[^,;]+$", "^.{2,4}$", "^\\p{Lu}\\p{Ll}*$", "x", "^v[0-9]+(\\.[0-9]+)*$", "^(|a|bb)$",
        "^[A-Z]{2}[0-9]?$", "end$", "^\\w+\\s\\w+$",
    ];

    private static readonly string[] Formats = ["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri", "duration"];

    private readonly Random _random = new(seed);
    private int _definitions;

    /// <summary>A schema, perhaps with definitions that refer to one another.</summary>
    public JsonNode Next()
    {
        _definitions = _random.Next(4);
        var schema = Schema(3);
        if (schema is JsonObject root && _definitions > 0)
        {
            var definitions = new JsonObject();
            for (int i = 0; i < _definitions; i++)
            {
                definitions[$"d{i}"] = Schema(2);
            }

            root["$defs"] = definitions;
        }

        return schema;
    }

    private bool Chance(double share) => _random.NextDouble() < share;

    private T Pick<T>(params IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    private JsonNode Schema(int depth)
    {
        if (depth == 0 || Chance(0.45))
        {
            return Scalar();
        }

        return _random.Next(12) switch
        {
            0 or 1 or 2 or 3 => Object(depth),
            4 or 5 or 6 => Array(depth),
            7 => new JsonObject { ["anyOf"] = List(depth) },
            8 => new JsonObject { ["oneOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["maxLength"] = 5 }, new JsonObject { ["type"] = "integer" }, Object(depth)) },
            9 => new JsonObject { ["allOf"] = new JsonArray(Object(depth), Object(depth)) },
            10 when _definitions > 0 => new JsonObject { ["$ref"] = $"#/$defs/d{_random.Next(_definitions)}" },
            10 => true,
            _ => Condition(depth),
        };
    }

    private JsonArray List(int depth) => new([.. Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => Schema(depth - 1))]);

    private JsonObject Condition(int depth) => Chance(0.5)
        ? new JsonObject { ["type"] = new JsonArray("string", "integer", "null"), ["not"] = Pick<JsonNode>(Enumeration(), new JsonObject { ["type"] = "null" }) }
        : new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["a"] = new JsonObject { ["type"] = "boolean" }, ["b"] = Schema(depth - 1) },
            ["required"] = new JsonArray("a"),
            ["if"] = new JsonObject { ["properties"] = new JsonObject { ["a"] = new JsonObject { ["const"] = true } } },
            ["then"] = new JsonObject { ["required"] = new JsonArray("b") },
        };

    private JsonNode Scalar() => _random.Next(7) switch
    {
        0 or 1 => Text(),
        2 => Integer(),
        3 => Number(),
        4 => Enumeration(),
        5 => new JsonObject { ["type"] = Pick("boolean", "null", "string", "integer", "number") },
        _ => new JsonObject { ["type"] = new JsonArray("null", Pick("string", "integer", "boolean")) },
    };

    private JsonObject Text()
    {
        var text = new JsonObject { ["type"] = "string" };
        switch (_random.Next(5))
        {
            case 0:
                text["pattern"] = Pick(Patterns);
                break;
            case 1:
                text["format"] = Pick(Formats);
                break;
            case 2:
                text["minLength"] = _random.Next(6);
                text["maxLength"] = 5 + _random.Next(40);
                break;
            case 3:
                text["pattern"] = Pick(Patterns);
                text["maxLength"] = 4 + _random.Next(20);
                break;
        }

        return text;
    }

    private JsonObject Integer()
    {
        var number = new JsonObject { ["type"] = "integer" };
        int low = _random.Next(-1000, 1000);
        if (Chance(0.6))
        {
            number[Pick("minimum", "exclusiveMinimum")] = low;
        }

        if (Chance(0.6))
        {
            number[Pick("maximum", "exclusiveMaximum")] = low + 3 + _random.Next(2000);
        }

        if (Chance(0.3))
        {
            number["multipleOf"] = Pick(2, 3, 5, 7, 10, 25);
        }

        return number;
    }

    private JsonObject Number()
    {
        var number = new JsonObject { ["type"] = "number" };
        decimal low = _random.Next(-5000, 5000) / 100m;
        if (Chance(0.6))
        {
            number[Pick("minimum", "exclusiveMinimum")] = low;
        }

        if (Chance(0.6))
        {
            number[Pick("maximum", "exclusiveMaximum")] = low + 0.25m + (_random.Next(10000) / 100m);
        }

        if (Chance(0.2))
        {
            number["multipleOf"] = Pick(0.5m, 0.25m, 0.01m, 3m);
        }

        return number;
    }

    private JsonObject Enumeration() => new()
    {
        ["enum"] = new JsonArray([.. Enumerable.Range(0, 1 + _random.Next(4)).Select(i => Pick<JsonNode?>(
            null, true, i, $"v{i}", "é\n", 1.5m + i, new JsonArray(i, "x"), new JsonObject { ["k"] = i }))]),
    };

    private JsonObject Array(int depth)
    {
        var array = new JsonObject { ["type"] = "array" };
        int least = _random.Next(3);
        if (Chance(0.8))
        {
            array["items"] = Schema(depth - 1);
        }

        if (Chance(0.3))
        {
            array["prefixItems"] = List(depth);
        }

        if (Chance(0.5))
        {
            array["minItems"] = least;
        }

        if (Chance(0.6))
        {
            array["maxItems"] = least + 1 + _random.Next(4);
        }

        if (Chance(0.1))
        {
            array["contains"] = Scalar();
        }

        return array;
    }

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (string name in Names.Where(_ => Chance(0.3)))
        {
            properties[name] = Schema(depth - 1);
            if (Chance(0.5))
            {
                required.Add(name);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (_random.Next(7))
        {
            case 0 or 1 or 2:
                schema["additionalProperties"] = false;
                break;
            case 3:
                schema["additionalProperties"] = Schema(depth - 1);
                break;
            case 4:
                schema["patternProperties"] = new JsonObject { [Pick("^x-", "^[a-z]{1,2}$", "[0-9]$")] = Schema(depth - 1) };
                break;
            case 5:
                schema["propertyNames"] = Chance(0.5) ? new JsonObject { ["pattern"] = "^[a-c]{0,2}$" } : new JsonObject { ["maxLength"] = 3 };
                break;
        }

        if (Chance(0.2))
        {
            schema["minProperties"] = 1 + _random.Next(2);
        }

        if (Chance(0.2))
        {
            schema["maxProperties"] = 2 + _random.Next(4);
        }

        return schema;
    }
}
