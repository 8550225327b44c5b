using System.Text.Json.Nodes;

namespace LlmServe.Conversation.Tests;

/// <summary>Changes JSON at random places: values of other kinds, members that are gone, doubled, moved or renamed, texts that are cut or odd.</summary>
internal static class JsonMutator
{
    private static readonly string[] Texts =
        ["", " ", "tool", "assistant", "system", "user", "function", "object", "string", "{", "{\"a\": 1}", "[]", "null", "<|im_end|>", "\u0000", "é\ud83d\ude00", "#/$defs/x", "a b"];

    public static void Mutate(JsonNode root, Random random)
    {
        var places = new List<JsonNode>();
        Collect(root, places);
        var place = places[random.Next(places.Count)];
        if (place is JsonArray { Count: > 0 } list)
        {
            MutateList(list, random);
        }
        else if (place is JsonObject { Count: > 0 } members)
        {
            MutateMembers(members, random);
        }
    }

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is JsonObject members)
        {
            places.Add(members);
            foreach (var (_, value) in members)
            {
                Collect(value, places);
            }
        }
        else if (node is JsonArray list)
        {
            places.Add(list);
            foreach (var value in list)
            {
                Collect(value, places);
            }
        }
    }

    private static void MutateList(JsonArray list, Random random)
    {
        int at = random.Next(list.Count);
        switch (random.Next(4))
        {
            case 0:
                list.RemoveAt(at);
                break;
            case 1:
                list.Insert(random.Next(list.Count + 1), list[at]?.DeepClone());
                break;
            case 2:
                list[at] = Value(list[at], random);
                break;
            default:
                var moved = list[at];
                list.RemoveAt(at);
                list.Insert(random.Next(list.Count + 1), moved);
                break;
        }
    }

    private static void MutateMembers(JsonObject members, Random random)
    {
        string key = members.ElementAt(random.Next(members.Count)).Key;
        var value = members[key];
        switch (random.Next(3))
        {
            case 0:
                members.Remove(key);
                break;
            case 1:
                members[key] = Value(value, random);
                break;
            default:
                members.Remove(key);
                members[random.Next(2) == 0 ? key + "x" : Texts[random.Next(Texts.Length)]] = value;
                break;
        }
    }

    private static JsonNode? Value(JsonNode? old, Random random) => random.Next(8) switch
    {
        0 => null,
        1 => random.Next(-3, 300),
        2 => 1e300,
        3 => random.Next(2) == 0,
        4 => new JsonArray(old?.DeepClone()),
        5 => new JsonObject { [Texts[random.Next(Texts.Length)]] = old?.DeepClone() },
        _ => Texts[random.Next(Texts.Length)],
    };
}
