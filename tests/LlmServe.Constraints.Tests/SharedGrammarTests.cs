namespace LlmServe.Constraints.Tests;

/// <summary>Every shared case, through bytes and through the masks of the embedded model's vocabulary.</summary>
public class SharedGrammarTests
{
    [SkippableFact]
    public void Gbnf_SharedCases_AreReadRight() => CheckAll("gbnf.jsonl", "grammar", ConstraintKind.Gbnf);

    [SkippableFact]
    public void Regex_SharedCases_AreReadRight() => CheckAll("regex.jsonl", "pattern", ConstraintKind.Regex);

    [SkippableFact]
    public void Gbnf_InvalidSharedCases_AreRefusedWithAPlace() => CheckRefused("gbnf_invalid.jsonl", "grammar", ConstraintKind.Gbnf);

    [SkippableFact]
    public void Regex_InvalidSharedCases_AreRefusedWithAPlace() => CheckRefused("regex_invalid.jsonl", "pattern", ConstraintKind.Regex);

    private static void CheckAll(string file, string rule, ConstraintKind kind)
    {
        var failures = new List<string>();
        foreach (var (id, element) in SharedCases.Read(file))
        {
            var probe = new RuleProbe(new ConstraintRule(kind, element.Text(rule)));
            probe.Expect(failures, id, element);
        }

        Assert.Empty(failures);
    }

    private static void CheckRefused(string file, string rule, ConstraintKind kind)
    {
        var failures = new List<string>();
        foreach (var (id, element) in SharedCases.Read(file))
        {
            try
            {
                ConstraintGrammar.Compile(new ConstraintRule(kind, element.Text(rule)));
                if (element.Text("must") == "refuse")
                {
                    failures.Add($"{id}: accepted");
                }
            }
            catch (ConstraintException error)
            {
                Assert.NotEmpty(error.Place);
            }
        }

        Assert.Empty(failures);
    }
}
