using System.CommandLine;
using System.Text;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using LlmServe.Cli.Terminal;
using LlmServe.Text;
using Spectre.Console;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve tokenize</c>.</summary>
internal static class TokenizeCommand
{
    private static readonly Color[] Colours = [Color.Blue, Color.Green, Color.Purple, Color.Teal, Color.Maroon];

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "What to tokenize; left out or -: standard input",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var model = ModelOptions.CreateModelOption();
        var json = OptionFactory.Text("--json", "FILE", """JSON Lines in, {"text": …}, and out, {"ids": […]}; - reads standard input""");
        var special = OptionFactory.Switch("--special", "Control tokens written in the text, such as <|im_start|>, become their ids");
        var bos = OptionFactory.Switch("--bos", "Apply the model's own rules for beginning and end of sequence");
        var command = new Command("tokenize", "Turn text into token ids") { text, model, json, special, bos };
        command.Validators.Add(result =>
        {
            if (result.GetResult(json) is not null && result.GetResult(text) is { Tokens.Count: > 0 })
            {
                result.AddError("TEXT and --json exclude each other; the texts are in the file");
            }
        });
        command.SetAction((parsed, _) => services.LeaveOnInterruptAsync(() =>
        {
            using var file = services.Models.Open(parsed.GetValue(model));
            var tokenizer = TokenizerFactory.Create(file.Metadata);
            bool addSpecial = parsed.GetValue(bos);
            bool parseSpecial = parsed.GetValue(special);
            if (parsed.GetValue(json) is { } path)
            {
                using var reader = PromptSource.OpenText(services.Console, path, "--json");
                ConvertLines(services, reader, tokenizer, addSpecial, parseSpecial, path == PromptSource.StandardInput);
                return ExitCode.Ok;
            }

            var ids = new List<int>();
            string source = parsed.GetValue(text) is { } given and not PromptSource.StandardInput ? given : PromptSource.ReadAll(services.Console);
            tokenizer.Encode(source, addSpecial, parseSpecial, ids);
            Print(services.Console, tokenizer, ids);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static void ConvertLines(CliServices services, TextReader reader, ITokenizer tokenizer, bool addSpecial, bool parseSpecial, bool eachAtOnce)
    {
        var ids = new List<int>();
        JsonLines.Convert(reader, services.Console.Out, (element, writer) =>
        {
            ids.Clear();
            tokenizer.Encode(JsonLines.RequiredString(element, "text"), addSpecial, parseSpecial, ids);
            WriteIds(writer, ids);
        }, eachAtOnce, services.Interrupts.Token);
    }

    private static void WriteIds(Utf8JsonWriter writer, List<int> ids)
    {
        writer.WriteStartArray("ids");
        foreach (int id in ids)
        {
            writer.WriteNumberValue(id);
        }

        writer.WriteEndArray();
    }

    /// <summary>For a person: the text with every piece in a colour of its own, then the ids. For a pipe: a token per line.</summary>
    private static void Print(CliConsole console, ITokenizer tokenizer, List<int> ids)
    {
        if (!console.OutHasColour)
        {
            foreach (int id in ids)
            {
                console.Out.WriteLine($"{id}\t{Piece(tokenizer, id)}");
            }

            return;
        }

        for (int i = 0; i < ids.Count; i++)
        {
            console.StyledOut.Write(Piece(tokenizer, ids[i]), new Style(Color.White, Colours[i % Colours.Length]));
        }

        console.StyledOut.WriteLine();
        console.StyledOut.WriteLine(string.Join(' ', ids));
        console.StyledOut.Write($"{ids.Count} tokens", new Style(decoration: Decoration.Dim));
        console.StyledOut.WriteLine();
    }

    /// <summary>What a token adds to the text, on one line; the vocabulary's spelling where it is part of a character.</summary>
    private static string Piece(ITokenizer tokenizer, int id)
    {
        var bytes = tokenizer.BytesOf(id);
        string text = System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : tokenizer.PieceOf(id);
        return TerminalText.OneLine(text);
    }
}
