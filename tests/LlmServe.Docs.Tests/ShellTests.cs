using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>Every command of every page is run, in the order of the page.</summary>
public class ShellTests
{
    private static readonly string[] Shell = ["sh", "console"];

    public static TheoryData<string> Pages => [.. DocPages.All.Where(page => DocPages.Blocks(page).Any(block => Shell.Contains(block.Language)))];

    [SkippableTheory]
    [MemberData(nameof(Pages))]
    public async Task Page_Commands_RunAsWritten(string page)
    {
        Skip.If(OperatingSystem.IsWindows(), "SKIPPED: a POSIX shell is needed");
        DocBlock[] blocks = [.. DocPages.Blocks(page).Where(block => Shell.Contains(block.Language))];
        foreach (string program in (string[])["openssl", "curl", "protoc", "python3"])
        {
            if (blocks.SelectMany(block => block.Commands).Any(command => command.Contains(program + " ", StringComparison.Ordinal)))
            {
                OtherPrograms.Require(program, $"the commands of {page} were not run");
            }
        }

        using var run = new ShellPage(page);
        string problem = await run.RunAsync(blocks);

        Assert.True(problem.Length == 0, problem);
    }
}
