using System.Text.Json;

namespace LlmServe.Constraints.Tests;

/// <summary>Every shared schema, through bytes and through the masks of the embedded model's vocabulary.</summary>
public class SharedSchemaTests
{
    [SkippableTheory]
    [InlineData(JsonWhitespace.Bounded)]
    [InlineData(JsonWhitespace.None)]
    public void Schemas_SharedCases_AreHonoured(JsonWhitespace whitespace)
    {
        var failures = new List<string>();
        foreach (var (id, element) in SharedCases.Read("json_schema.jsonl"))
        {
            RuleProbe probe;
            try
            {
                probe = new RuleProbe(RuleOf(element) with { Whitespace = whitespace });
            }
            catch (ConstraintException error)
            {
                failures.Add($"{id}: {error.Message}");
                continue;
            }

            var must = element.GetProperty("must").EnumerateArray().Select(value => value.GetBoolean());
            probe.Expect(failures, id, "accepted", element.Texts("valid").Zip(must).Where(pair => pair.Second).Select(pair => pair.First), match => match.Accepted);
            probe.Expect(failures, id, "rejected", element.Texts("invalid"), match => !match.Accepted);
            probe.Expect(failures, id, "either", element.Texts("either").Concat(element.Texts("valid")), _ => true);
        }

        Assert.Empty(failures);
    }

    [SkippableFact]
    public void Schemas_ThatNeedNotBeSupported_AreRefusedOrHonoured()
    {
        var failures = new List<string>();
        foreach (var (id, element) in SharedCases.Read("json_schema_unsupported.jsonl"))
        {
            try
            {
                var probe = new RuleProbe(RuleOf(element));
                if (element.Text("must") == "refuse")
                {
                    failures.Add($"{id}: not refused");
                }

                probe.Expect(failures, id, "accepted", element.Texts("valid"), match => match.Accepted);
                probe.Expect(failures, id, "rejected", element.Texts("invalid"), match => !match.Accepted);
            }
            catch (ConstraintException error)
            {
                Assert.True(error.Place.StartsWith('#') || error.Place == "the rule", error.Message);
            }
        }

        Assert.Empty(failures);
    }

    private static ConstraintRule RuleOf(JsonElement element) => new(ConstraintKind.JsonSchema, element.GetProperty("schema").GetRawText());
}
