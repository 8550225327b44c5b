using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text.Templates;
using Xunit.Abstractions;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Real templates against the texts that Hugging Face's renderer makes of them.</summary>
public sealed class GoldenTests(ITestOutputHelper output)
{
    private const int SharedTemplates = 53;

    /// <summary>Names of the shared templates; one that stands for all where the data set is absent, so that the skip is seen.</summary>
    public static TheoryData<string> Names
    {
        get
        {
            var names = new TheoryData<string>();
            try
            {
                foreach (string path in Directory.EnumerateFiles(TestData.Shared("data", "templates"), "*.jinja").Order(StringComparer.Ordinal))
                {
                    names.Add(Path.GetFileNameWithoutExtension(path));
                }
            }
            catch (SkipException)
            {
                names.Add("smollm2-135m-instruct");
            }

            return names;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Render_SharedCases_EqualsGolden(string name)
    {
        string source = File.ReadAllText(TestData.Shared("data", "templates", name + ".jinja"));
        CheckAll(name, source, TestData.Shared("data", "templates", name + ".jsonl"));
    }

    [Fact]
    public void Render_EmbeddedModel_EqualsGolden()
    {
        using var model = GgufFile.Open(TestData.EmbeddedModel);
        string source = model.Metadata.GetString("tokenizer.chat_template");
        CheckAll("embedded model", source, TestData.Local("templates", "smollm2-135m-instruct.jsonl"));
    }

    [SkippableFact]
    public void Names_SharedData_AreAllThere()
    {
        TestData.Shared("data", "templates");
        Assert.Equal(SharedTemplates, Enumerable.Count<object[]>(Names));
    }

    private void CheckAll(string name, string source, string casesPath)
    {
        var template = ChatTemplate.Parse(source);
        var cases = GoldenCase.Read(casesPath).ToList();
        var failures = cases.Select(golden => golden.Check(template)).Where(failure => failure is not null).ToList();
        output.WriteLine($"{name}: {cases.Count - failures.Count} of {cases.Count} cases equal");
        Assert.NotEmpty(cases);
        Assert.True(failures.Count == 0, $"{name}: {failures.Count} of {cases.Count} cases fail:\n{string.Join('\n', failures)}");
    }
}
