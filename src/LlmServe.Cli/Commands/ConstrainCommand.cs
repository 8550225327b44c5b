using System.CommandLine;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using LlmServe.Constraints;
using LlmServe.Text;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve constrain</c>: how texts stand to a rule, for whoever writes one.</summary>
internal static class ConstrainCommand
{
    /// <summary>How rules are read.</summary>
    private sealed record Reading(JsonWhitespace Whitespace, bool CloseObjects, bool Relax, ConstraintVocabulary? Vocabulary, ITokenizer? Tokenizer)
    {
        /// <exception cref="ConstraintException">The rule cannot be honoured.</exception>
        public ConstraintGrammar Compile(ConstraintRule rule) =>
            ConstraintGrammar.Compile(rule with { Whitespace = Whitespace, CloseObjects = CloseObjects, Relax = Relax }, Vocabulary);

        public ConstraintMatch Match(ConstraintGrammar grammar, string text) =>
            Vocabulary is null ? grammar.Match(text) : grammar.Match(Tokenizer!.Encode(text, parseSpecial: true), Vocabulary);
    }

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var json = OptionFactory.Text("--json", "FILE", """JSON Lines in, {"text": …}, and out, {"accepted", "prefix", "at"}; - reads standard input""");
        var cases = OptionFactory.Text("--cases", "FILE", """JSON Lines in, {"kind": "json_schema", "rule": …, "text": …}, and out as with --json; - reads standard input""");
        var model = OptionFactory.Text("--model", "PATH", "GGUF file whose tokens the rule may name (default: no model)");
        var whitespace = OptionFactory.Choice(
            "--json-whitespace", "White space in JSON (default bounded)", ("bounded", JsonWhitespace.Bounded), ("none", JsonWhitespace.None));
        var close = OptionFactory.Switch("--close-objects", "Objects of a schema without additionalProperties are closed");
        var relax = OptionFactory.Switch("--relax", "Keywords of a schema that cannot be honoured are left out, and named");
        var command = new Command("constrain", "Say how texts stand to a schema, a grammar or a pattern") { json, cases, model, whitespace, close, relax };
        var rules = RuleOptions.AddTo(command);

        command.Validators.Add(result =>
        {
            int given = rules.CountIn(result);
            bool hasCases = result.GetResult(cases) is not null;
            if (hasCases ? given > 0 || result.GetResult(json) is not null : given != 1 || result.GetResult(json) is null)
            {
                result.AddError($"give one rule ({rules.Names}) and --json, or --cases alone");
            }
        });
        command.SetAction((parsed, _) => services.LeaveOnInterruptAsync(() =>
        {
            var vocabulary = OpenVocabulary(services, parsed.GetValue(model), out var tokenizer);
            var reading = new Reading(parsed.GetValue(whitespace) ?? JsonWhitespace.Bounded, parsed.GetValue(close), parsed.GetValue(relax), vocabulary, tokenizer);
            if (parsed.GetValue(cases) is { } file)
            {
                Convert(services, file, "--cases", (element, writer) => AnswerCase(reading, element, writer));
                return ExitCode.Ok;
            }

            var grammar = Compile(services, reading, rules.Read(services, parsed)!);
            Convert(services, parsed.GetValue(json)!, "--json", (element, writer) => Answer(reading, grammar, element, writer));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static ConstraintVocabulary? OpenVocabulary(CliServices services, string? model, out ITokenizer? tokenizer)
    {
        tokenizer = null;
        if (model is null)
        {
            return null;
        }

        using var file = services.Models.Open(model);
        tokenizer = TokenizerFactory.Create(file.Metadata);
        return new ConstraintVocabulary(tokenizer);
    }

    private static ConstraintGrammar Compile(CliServices services, Reading reading, GivenRule given)
    {
        try
        {
            var grammar = reading.Compile(given.Rule);
            foreach (string pointer in grammar.Relaxed)
            {
                services.Console.WriteNote($"left out: {pointer}");
            }

            return grammar;
        }
        catch (ConstraintException error)
        {
            throw new CliException($"{given.Origin}: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static void Convert(CliServices services, string path, string option, Action<JsonElement, Utf8JsonWriter> answer)
    {
        using var reader = PromptSource.OpenText(services.Console, path, option);
        JsonLines.Convert(reader, services.Console.Out, answer, path == PromptSource.StandardInput, services.Interrupts.Token);
    }

    private static void AnswerCase(Reading reading, JsonElement element, Utf8JsonWriter writer)
    {
        string name = JsonLines.RequiredString(element, "kind");
        var kind = RuleOptions.Kinds.FirstOrDefault(kind => kind.Name == name);
        if (kind.Name is null)
        {
            throw new CliException($"\"kind\" is '{name}'; it must be one of {string.Join(", ", RuleOptions.Kinds.Select(known => known.Name))}");
        }

        ConstraintGrammar grammar;
        try
        {
            grammar = reading.Compile(RuleOf(kind.Kind, JsonLines.RequiredString(element, "rule")));
        }
        catch (ConstraintException error)
        {
            writer.WriteBoolean("accepted", false);
            writer.WriteBoolean("prefix", false);
            writer.WriteString("error", error.Message);
            return;
        }

        Answer(reading, grammar, element, writer);
    }

    /// <summary>In JSON a pattern is what it is, a line break at its end included.</summary>
    private static ConstraintRule RuleOf(ConstraintKind kind, string text) => kind == ConstraintKind.Regex ? new ConstraintRule(kind, text) : RuleOptions.RuleOf(kind, text);

    private static void Answer(Reading reading, ConstraintGrammar grammar, JsonElement element, Utf8JsonWriter writer)
    {
        var match = reading.Match(grammar, JsonLines.RequiredString(element, "text"));
        writer.WriteBoolean("accepted", match.Accepted);
        writer.WriteBoolean("prefix", match.IsPrefix);
        if (match.FailedAt is { } at)
        {
            writer.WriteNumber("at", at);
        }
    }
}
