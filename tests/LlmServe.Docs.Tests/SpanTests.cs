using System.CommandLine;
using System.Text.RegularExpressions;
using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;
using LlmServe.Docs.Tests.Support;
using LlmServe.Hosting;

namespace LlmServe.Docs.Tests;

/// <summary>Commands and options that stand within sentences and tables exist.</summary>
public partial class SpanTests
{
    private static readonly RootCommand Program = (RootCommand)CommandLineApp.Build(
        new CliServices(new CliConsole(TextWriter.Null, TextWriter.Null, TextReader.Null), new Interrupts(), new ModelLoader()));

    // Options of other programs: of .NET, docker, git, npm, of bench/compare and bench/LlmServe.Models.
    private static readonly HashSet<string> OfOthers =
    [
        "--filter", "--kernel", "--job", "--format", "--formats", "--embedding-format", "--models", "--part", "--merge", "--layers", "--hidden", "--vocabulary", "--shape",
    ];

    public static TheoryData<string> Pages => [.. DocPages.All];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Spans_WithCommands_NameThoseThatExist(string page)
    {
        foreach (string span in DocPages.Spans(page).Where(span => span.StartsWith("llmserve ", StringComparison.Ordinal)))
        {
            var words = CommandLine.Split(span.Replace("'", "", StringComparison.Ordinal));
            var command = Program.Subcommands.SingleOrDefault(candidate => candidate.Name == words[1]);
            if (words[1][0] is '-' or '[' || words[1] == "COMMAND")
            {
                command = Program;
            }

            Assert.True(command is not null, $"{page}: `{span}`: there is no command '{words[1]}'");
            Assert.All(OptionsIn(span), option => Assert.True(Known(command).Contains(option), $"{page}: `{span}`: {command.Name} has no {option}"));
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Spans_WithOptions_NameThoseThatExist(string page)
    {
        var known = Program.Subcommands.SelectMany(Known).Concat(Known(Program)).Concat(OfOthers).ToHashSet();
        foreach (string span in DocPages.Spans(page).Where(span => span.StartsWith("--", StringComparison.Ordinal)))
        {
            Assert.All(OptionsIn(span), option => Assert.True(known.Contains(option), $"{page}: `{span}`: no command has {option}"));
        }
    }

    private static IEnumerable<string> OptionsIn(string span) => OptionName().Matches(span).Select(match => match.Value);

    private static HashSet<string> Known(Command command) =>
        [.. command.Options.SelectMany(option => option.Aliases.Append(option.Name)), .. Program.Options.Select(option => option.Name), "--help"];

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z0-9-]*\b(?!_)")]
    private static partial Regex OptionName();
}
