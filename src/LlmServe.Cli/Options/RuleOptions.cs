using System.CommandLine;
using System.CommandLine.Parsing;
using LlmServe.Cli.App;
using LlmServe.Constraints;

namespace LlmServe.Cli.Options;

/// <summary>A rule, and where it came from.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Origin">The option and the file, for messages.</param>
internal sealed record GivenRule(ConstraintRule Rule, string Origin);

/// <summary>The options that name a file with a rule for texts: one per notation.</summary>
internal sealed class RuleOptions
{
    /// <summary>Every notation under the name that it has in JSON.</summary>
    public static IReadOnlyList<(string Name, ConstraintKind Kind)> Kinds { get; } =
    [
        ("json_schema", ConstraintKind.JsonSchema), ("gbnf", ConstraintKind.Gbnf), ("regex", ConstraintKind.Regex), ("lark", ConstraintKind.Lark),
        ("choice", ConstraintKind.Choice),
    ];

    private readonly (ConstraintKind Kind, Option<string?> Option)[] _options;

    private RuleOptions(Command command, string what)
    {
        _options = [.. Kinds.Select(kind => (kind.Kind, OptionFactory.Text("--" + kind.Name.Replace('_', '-'), "FILE", $"{DescriptionOf(kind.Kind)}{what}")))];
        foreach (var (_, option) in _options)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (CountIn(result) > 1)
            {
                result.AddError($"{Names} exclude each other: there is one rule");
            }
        });
    }

    /// <summary>The options, for messages.</summary>
    public string Names => string.Join(", ", _options.Select(option => option.Option.Name));

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    /// <param name="command">The command.</param>
    /// <param name="what">What the rule is for, behind each description; may be empty.</param>
    public static RuleOptions AddTo(Command command, string what = "") => new(command, what);

    /// <summary>How many of them a command line has.</summary>
    public int CountIn(CommandResult result) => _options.Count(option => result.GetResult(option.Option) is not null);

    /// <summary>The rule that was given; null: none.</summary>
    /// <exception cref="CliException">The file cannot be read.</exception>
    public GivenRule? Read(CliServices services, ParseResult parsed)
    {
        foreach (var (kind, option) in _options)
        {
            if (parsed.GetValue(option) is { } file)
            {
                using var reader = PromptSource.OpenText(services.Console, file, option.Name);
                return new GivenRule(RuleOf(kind, reader.ReadToEnd()), $"{option.Name}: {file}");
            }
        }

        return null;
    }

    /// <summary>A rule from the text of a file. Texts to choose from may stand a line each; an editor's line break at the end is no part of a pattern.</summary>
    public static ConstraintRule RuleOf(ConstraintKind kind, string text) => kind switch
    {
        ConstraintKind.Choice when !text.TrimStart().StartsWith('[') => ConstraintRule.Choice(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
        ConstraintKind.Regex => new ConstraintRule(kind, text.TrimEnd('\r', '\n')),
        _ => new ConstraintRule(kind, text),
    };

    private static string DescriptionOf(ConstraintKind kind) => kind switch
    {
        ConstraintKind.JsonSchema => "JSON Schema (draft 2020-12)",
        ConstraintKind.Gbnf => "Grammar in llama.cpp's GBNF notation",
        ConstraintKind.Regex => "Regular expression that a whole text matches",
        ConstraintKind.Lark => "Grammar in the Lark notation",
        _ => "Texts, a JSON array or one a line, of which one is allowed",
    };
}
