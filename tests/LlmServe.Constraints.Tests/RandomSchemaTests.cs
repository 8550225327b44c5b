using System.Text;
using System.Text.Json;
using Json.Schema;

namespace LlmServe.Constraints.Tests;

/// <summary>What masks let through, an independent validator finds valid.</summary>
public class RandomSchemaTests
{
    [Fact]
    public void Walks_ThroughRandomSchemas_AreValid()
    {
        int refused = 0;
        int unended = 0;
        for (int seed = 0; seed < 2000; seed++)
        {
            string schema = new SchemaGenerator(seed).Next().ToJsonString();
            TokenConstraint constraint;
            try
            {
                var rule = new ConstraintRule(ConstraintKind.JsonSchema, schema) { Whitespace = (JsonWhitespace)(seed % 2) };
                constraint = TokenConstraint.Create(ConstraintGrammar.Compile(rule), EmbeddedVocabulary.Vocabulary);
            }
            catch (ConstraintException)
            {
                refused++; // contradictory, or a reference to itself
                continue;
            }

            byte[]? text = RandomWalk.Write(constraint, new Random(seed));
            unended += text is null ? 1 : 0;
            if (text is not null)
            {
                AssertValid(schema, text, seed);
            }
        }

        Assert.InRange(refused, 0, 300);
        Assert.InRange(unended, 0, 40);
    }

    private static void AssertValid(string schema, byte[] text, int seed)
    {
        string json = Encoding.UTF8.GetString(text);
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 2000 });
        JsonSchema validator;
        try
        {
            validator = JsonSchema.FromText(schema);
        }
        catch (JsonSchemaException)
        {
            return; // references in a circle, in a part that is not used
        }

        // The validator gives its patterns a quarter of a second, which a busy machine can take.
        bool isValid = false;
        for (int attempt = 0; attempt < 5 && !isValid; attempt++)
        {
            isValid = validator.Evaluate(document.RootElement, new EvaluationOptions { RequireFormatValidation = true }).IsValid;
        }

        Assert.True(isValid, $"seed {seed}: {json} against {schema}");
    }
}
