using System.Text.RegularExpressions;

namespace LlmServe.Docs.Tests.Support;

/// <summary>A command that is not run as it stands on its page.</summary>
/// <param name="Command">The command, as a regular expression over the whole line.</param>
/// <param name="Reason">Why it is not run.</param>
/// <param name="OtherCheck">The test that looks at it in another way.</param>
internal sealed record DocException(string Command, string Reason, string OtherCheck)
{
    /// <summary>The list. Every entry must be needed, and its other check must exist.</summary>
    public static IReadOnlyList<DocException> All { get; } =
    [
        new(@"dotnet test\b.*|\.ci/run", "it would run these tests again", nameof(ToolCommandTests.Dotnet_EveryCommand_NamesProjectsThatExist)),
        new(@"dotnet (build|publish|pack)\b.*", "minutes, and the tests run what was built", nameof(ToolCommandTests.Dotnet_EveryCommand_NamesProjectsThatExist)),
        new(@"dotnet run\b.* --project bench/.*", "minutes to hours", nameof(ToolCommandTests.Dotnet_EveryCommand_NamesProjectsThatExist)),
        new(@"dotnet run\b.* --project samples/.*", "the samples are built with these tests", nameof(SampleTests.Sample_EveryOne_RunsAndSaysWhatItShould)),
        new(@"grpcurl\b.*", "another program", nameof(GrpcurlTests.Grpcurl_EveryCall_IsAnsweredThroughReflection)),
        new(@"(apt-get|dpkg|npm install|npm ci|pip install|sudo)\b.*", "changes the machine", nameof(ToolCommandTests.Installation_EveryCommand_NamesKnownPackages)),
        new(@"tests/arm64/run\.sh.*|DOTNET_EnableArm64Dp=0 tests/arm64/run\.sh.*", "needs an emulator and an hour", nameof(ToolCommandTests.Script_EveryCommand_Exists)),
        new(@"(cd bench/compare && npm install)|node bench/compare/.*", "needs another engine and up to an hour", nameof(ToolCommandTests.Script_EveryCommand_Exists)),
    ];

    /// <summary>The entry for a command, or null.</summary>
    public static DocException? For(string command) => All.FirstOrDefault(entry => Regex.IsMatch(command, $"^(?:{entry.Command})$"));
}
