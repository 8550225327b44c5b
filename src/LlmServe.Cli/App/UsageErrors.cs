using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace LlmServe.Cli.App;

/// <summary>What is wrong with a command line, in one sentence that names the option and the one that was probably meant.</summary>
internal static class UsageErrors
{
    /// <summary>The first thing wrong, or null. Asking for help is never wrong.</summary>
    public static string? Find(ParseResult parsed)
    {
        if (parsed.Action is { ClearsParseErrors: true } or HelpAction)
        {
            return null;
        }

        // A mistyped option comes first: the parser takes it, and the value behind it, for arguments, and complains about those.
        return FindMistypedOption(parsed) ?? FindStray(parsed)
            ?? (parsed.Errors.Count > 0 || parsed.Action is ParseErrorAction ? Last(parsed) : null);
    }

    private static string Last(ParseResult parsed) => parsed.Errors is [.., { } last]
        ? string.Join(' ', last.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        : "the command line is incomplete";

    private static string? FindMistypedOption(ParseResult parsed)
    {
        var taken = parsed.CommandResult.Children.OfType<OptionResult>().SelectMany(option => option.Tokens).ToHashSet(ReferenceEqualityComparer.Instance);
        foreach (var token in parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash))
        {
            if (token.Type == TokenType.Argument && token.Value.Length > 1 && token.Value[0] == '-' && !taken.Contains(token))
            {
                string name = token.Value.Split('=', ':')[0];
                return Nearest(name, Options(parsed.CommandResult)) is { } nearest
                    ? $"unknown option '{name}'; did you mean {nearest}?"
                    : $"unknown option '{name}'" + (parsed.CommandResult.Command.Arguments.Count > 0 ? "; write -- before an argument that begins with a dash" : "");
            }
        }

        return null;
    }

    private static string? FindStray(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens is not [var stray, ..])
        {
            return null;
        }

        var command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0)
        {
            string known = Nearest(stray, command.Subcommands.Select(sub => sub.Name)) is { } nearest ? $"; did you mean {nearest}?" : "";
            return $"there is no command '{stray}'{known}";
        }

        return command.Arguments is [{ } first, ..]
            ? $"unexpected argument '{stray}'; a {first.Name} of several words needs quotes"
            : $"unexpected argument '{stray}'; this command takes options only";
    }

    private static IEnumerable<string> Options(CommandResult command)
    {
        for (SymbolResult? result = command; result is not null; result = result.Parent)
        {
            foreach (var option in result is CommandResult { Command: var own } ? own.Options : [])
            {
                if (result == command || option.Recursive)
                {
                    yield return option.Name;
                    foreach (string alias in option.Aliases)
                    {
                        yield return alias;
                    }
                }
            }
        }
    }

    /// <summary>The name with the fewest letters changed, if few enough to be a slip of the fingers, or one that goes on where <paramref name="text"/> ends.</summary>
    internal static string? Nearest(string text, IEnumerable<string> names)
    {
        int most = text.TrimStart('-').Length is var letters && letters < 3 ? 0 : Math.Max(1, letters / 3);
        return names
            .Select(name => (Name: name, Distance: text.Length > 4 && name.StartsWith(text, StringComparison.Ordinal) ? 0 : Distance(text, name)))
            .Where(candidate => candidate.Distance <= most)
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
    }

    /// <summary>Letters to insert, remove, replace or swap with their neighbour, to make one text of the other.</summary>
    private static int Distance(string a, string b)
    {
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int change = a[i - 1] == b[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[a.Length, b.Length];
    }
}
