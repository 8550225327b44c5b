using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
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
        if (FindUsageError(parsed) is { } problem)
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

    /// <summary>The first thing wrong with the command line, or null. Asking for help is never wrong.</summary>
    private static string? FindUsageError(ParseResult parsed)
    {
        if (parsed.Action is { ClearsParseErrors: true } or HelpAction)
        {
            return null;
        }

        if (parsed.Errors.Count > 0 || parsed.Action is ParseErrorAction)
        {
            return parsed.Errors is [.., { } last] ? last.Message : "the command line is incomplete";
        }

        return FindMistypedOption(parsed);
    }

    /// <summary>The parser takes an unknown <c>--option</c> for an argument; a prompt that really begins with a dash comes after <c>--</c>.</summary>
    private static string? FindMistypedOption(ParseResult parsed)
    {
        foreach (var argument in parsed.CommandResult.Children.OfType<ArgumentResult>())
        {
            foreach (var token in argument.Tokens)
            {
                bool escaped = parsed.Tokens.TakeWhile(other => !ReferenceEquals(other, token)).Any(other => other.Type == TokenType.DoubleDash);
                if (token.Value.Length > 1 && token.Value[0] == '-' && !escaped)
                {
                    return $"unknown option '{token.Value}'; write -- before an argument that begins with a dash";
                }
            }
        }

        return null;
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "llmserve";

    private static bool IsVerbose(ParseResult parsed) =>
        parsed.GetValue(Verbose) || Environment.GetEnvironmentVariable("LLMSERVE_DEBUG") is "1" or "true";
}
