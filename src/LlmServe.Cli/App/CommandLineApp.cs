using System.CommandLine;
using System.CommandLine.Parsing;
using LlmServe.Cli.Commands;

namespace LlmServe.Cli.App;

/// <summary>The <c>llmserve</c> command line: parse, run one command, report how it ended.</summary>
internal sealed class CommandLineApp(CliServices services)
{
    private static readonly Option<bool> Verbose = new("--verbose")
    {
        Description = "Show where an error came from (also LLMSERVE_DEBUG=1)",
        Recursive = true,
    };

    /// <summary>Builds every command. A new one is one line in <see cref="CommandList"/>.</summary>
    public static Command Build(CliServices services)
    {
        var root = new RootCommand("Serve, try and inspect language models: the same request always gives the same tokens.");
        root.Options.Add(Verbose);
        foreach (var create in CommandList.All)
        {
            root.Subcommands.Add(create(services));
        }

        return root;
    }

    /// <summary>Runs the command that <paramref name="args"/> name.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        var root = Build(services);

        // A prompt may begin with '@'; it is never the name of a file with more arguments.
        var configuration = new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        if (args.Count == 0)
        {
            await InvokeAsync(root.Parse(["--help"], configuration));
            return ExitCode.Usage;
        }

        var parsed = root.Parse(args, configuration);
        if (UsageErrors.Find(parsed) is { } problem)
        {
            services.Console.WriteError($"{problem} (see '{PathOf(parsed.CommandResult)} --help')");
            return ExitCode.Usage;
        }

        return await InvokeAsync(parsed);
    }

    private async Task<int> InvokeAsync(ParseResult parsed)
    {
        try
        {
            int code = await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = services.Console.Out,
                Error = services.Console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
            services.Console.Out.Flush();
            return code;
        }
        catch (Exception error)
        {
            return ErrorReport.Write(services.Console, error, IsVerbose(parsed));
        }
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "llmserve";

    private static bool IsVerbose(ParseResult parsed) =>
        parsed.GetValue(Verbose) || Environment.GetEnvironmentVariable("LLMSERVE_DEBUG") is "1" or "true";
}
