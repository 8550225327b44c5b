using System.Text.Encodings.Web;
using System.Text.Json;
using LlmServe.Testing;

namespace LlmServe.Constraints.Tests;

/// <summary>JSON-Schema-Test-Suite, draft 2020-12: a text that is not valid is never let through.</summary>
public class SchemaSuiteTests
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Suite_AllGroups_HasNoFalseAccept()
    {
        var falseAccepts = new List<string>();
        int right = 0;
        int refusedGroups = 0;
        foreach (string line in File.ReadLines(TestData.Local("json-schema-test-suite", "draft2020-12.jsonl")))
        {
            var group = JsonDocument.Parse(line).RootElement;
            if (TryCompile(group.GetProperty("schema").GetRawText()) is not { } grammar)
            {
                refusedGroups++;
                continue;
            }

            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                string text = JsonSerializer.Serialize(test.GetProperty("data"), Compact);
                bool isValid = test.GetProperty("valid").GetBoolean();
                bool isAccepted = grammar.Match(text).Accepted;
                right += isAccepted == isValid ? 1 : 0;
                if (isAccepted && !isValid)
                {
                    falseAccepts.Add($"{group.GetProperty("file")}: {group.GetProperty("description")}: {text}");
                }
            }
        }

        // 1,608 cases in 414 groups. Refused: other documents, dynamic scopes, uniqueItems. Not let through though valid: other orders, other forms of
        // numbers, numbers of 50 digits, leap seconds, international names.
        Assert.Empty(falseAccepts);
        Assert.InRange(right, 1_520, 1_608);
        Assert.InRange(refusedGroups, 0, 60);
    }

    private static ConstraintGrammar? TryCompile(string schema)
    {
        try
        {
            return ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.JsonSchema, schema));
        }
        catch (ConstraintException error)
        {
            Assert.NotEmpty(error.Place);
            return null;
        }
    }
}
