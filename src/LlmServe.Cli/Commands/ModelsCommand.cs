using System.CommandLine;
using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Compiler;
using LlmServe.Gguf.Formats;
using LlmServe.Text;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve models</c>: which model files run, as the code has it. docs/models.md holds what it prints.</summary>
internal static class ModelsCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("models", "List the model families, weight formats and tokenizers that run, in Markdown");
        command.SetAction(_ =>
        {
            Write(services.Console.Out);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Write(TextWriter output)
    {
        WriteFamilies(output);
        WriteFormats(output);
        WriteTokenizers(output);
        WriteKeys(output);
        output.Flush();
    }

    private static void WriteFamilies(TextWriter output)
    {
        output.WriteLine("## Families (`general.architecture`)");
        output.WriteLine();
        foreach (var family in ModelFamilies.All.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            output.WriteLine($"- `{family.Name}`: {family.Models}.");
        }

        output.WriteLine();
    }

    private static void WriteFormats(TextWriter output)
    {
        output.WriteLine("## Formats of weights");
        output.WriteLine();
        output.WriteLine("| format | weights in a block | bytes | bits per weight |");
        output.WriteLine("| --- | ---: | ---: | ---: |");
        foreach (var format in BlockFormat.All.Where(format => format.CanDecode))
        {
            string bits = (8.0 * format.BlockBytes / format.BlockSize).ToString("0.####", CultureInfo.InvariantCulture);
            output.WriteLine($"| {format.Name} | {format.BlockSize} | {format.BlockBytes} | {bits} |");
        }

        output.WriteLine();
    }

    private static void WriteTokenizers(TextWriter output)
    {
        output.WriteLine("## Tokenizers");
        output.WriteLine();
        output.WriteLine($"- `tokenizer.ggml.model`: {Names(TokenizerFactory.FamilyNames)}.");
        output.WriteLine($"- `tokenizer.ggml.pre` (of `gpt2`): {Names(TokenizerFactory.RuleNames)}.");
        output.WriteLine();
    }

    /// <summary>What files may hold that no graph reads; a family's own rules take the place of those of all.</summary>
    private static void WriteKeys(TextWriter output)
    {
        output.WriteLine("## What is not read");
        output.WriteLine();
        output.WriteLine($"- Tensors without effect: {Names(ModelFamilies.IgnoredTensors)}.");
        WriteRules(output, ModelFamilies.UnreadKeys);
        foreach (var family in ModelFamilies.All.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            foreach (string tensor in family.IgnoredTensors)
            {
                output.WriteLine($"- `{family.Name}` alone, tensor without effect: `{tensor}`.");
            }

            foreach (var rule in family.UnreadKeys.OrderBy(rule => rule.Key, StringComparer.Ordinal))
            {
                output.WriteLine($"- `{family.Name}` alone, allowed is {rule.Allowed}: `{rule.Key}`.");
            }
        }
    }

    private static void WriteRules(TextWriter output, IEnumerable<UnreadKey> rules)
    {
        foreach (var group in rules.GroupBy(rule => rule.Allowed).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"- Allowed is {group.Key}: {Names(group.Select(rule => rule.Key).Order(StringComparer.Ordinal))}.");
        }
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));
}
