using System.CommandLine;
using LlmServe.Cli.Options;
using LlmServe.Quantizer.Recipes;

namespace LlmServe.Cli.Quantize;

/// <summary>The options of <c>llmserve quantize</c>.</summary>
internal sealed class QuantizeOptions
{
    private readonly Option<Recipe> _to = new("--to")
    {
        Description = $"What to make: {string.Join(", ", Recipe.All.Select(recipe => recipe.Name))}",
        HelpName = "RECIPE",
        Required = true,
        CustomParser = result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (Recipe.Find(text) is { } recipe)
            {
                return recipe;
            }

            result.AddError($"--to: found '{text}', allowed is one of {string.Join(", ", Recipe.All.Select(known => known.Name))}");
            return null;
        },
    };

    private readonly Option<TensorRule[]> _tensor = new("--tensor")
    {
        Description = "A format for tensors by name, before what the recipe says, such as 'blk.*.ffn_down=Q6_K'; may be repeated",
        HelpName = "PATTERN=FORMAT",
        CustomParser = result =>
        {
            var rules = new List<TensorRule>();
            foreach (var token in result.Tokens)
            {
                if (TensorRule.Parse(token.Value) is not { } rule)
                {
                    result.AddError($"--tensor: found '{token.Value}', allowed is PATTERN=FORMAT with a format such as Q6_K");
                    return null;
                }

                rules.Add(rule);
            }

            return [.. rules];
        },
    };

    private readonly Option<bool> _pure = OptionFactory.Switch("--pure", "All matrices in the recipe's own format, embeddings and output too");
    private readonly Option<int?> _threads = OptionFactory.Integer("--threads", "Threads that work (default: one per processor)", 1, 1024);
    private readonly Option<bool> _overwrite = OptionFactory.Switch("--overwrite", "Replace OUT if it exists");
    private readonly Option<bool> _dryRun = OptionFactory.Switch("--dry-run", "Print the formats and write nothing");

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static QuantizeOptions AddTo(Command command)
    {
        var options = new QuantizeOptions();
        options._to.CompletionSources.Add([.. Recipe.All.Select(recipe => recipe.Name)]);
        foreach (Option option in (Option[])[options._to, options._tensor, options._pure, options._threads, options._overwrite, options._dryRun])
        {
            command.Options.Add(option);
        }

        return options;
    }

    /// <summary>What the command line says.</summary>
    public QuantizeSettings Read(ParseResult parsed) => new()
    {
        Recipe = parsed.GetRequiredValue(_to),
        Formats = new FormatOptions { Rules = parsed.GetValue(_tensor) ?? [], IsPure = parsed.GetValue(_pure) },
        Threads = parsed.GetValue(_threads) ?? Environment.ProcessorCount,
        Overwrites = parsed.GetValue(_overwrite),
        IsDryRun = parsed.GetValue(_dryRun),
    };
}
