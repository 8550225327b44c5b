using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using LlmServe.Gguf;
using LlmServe.Text.Templates;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve render</c>: chat templates, without a model running.</summary>
internal static class RenderCommand
{
    private static readonly DateTimeOffset DefaultNow = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Templates, and the tokens that they may name where a case does not.</summary>
    private sealed record Source(ModelTemplates Templates, string Path, string? Name, string BosToken, string EosToken)
    {
        private readonly Dictionary<string, ChatTemplate> _parsed = [];

        /// <summary>The template of a case: the one that was asked for by name, or the file's for conversations with tools or without.</summary>
        public ChatTemplate For(bool hasTools)
        {
            string name = Name ?? Templates.Choose(hasTools)!;
            if (!_parsed.TryGetValue(name, out var template))
            {
                template = ParseTemplate(Templates.Source(name)!, Path);
                _parsed.Add(name, template);
            }

            return template;
        }
    }

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var template = OptionFactory.Text("--template", "FILE", "Jinja chat template");
        var model = ModelOptions.CreateModelOption();
        var json = OptionFactory.RequiredText("--json", "FILE", """
            JSON Lines in, {"messages": […], "tools", "add_generation_prompt", "bos_token", "eos_token", "kwargs"}, and out, {"text": …} or {"error": …}; - reads standard input
            """);
        var name = OptionFactory.Text("--template-name", "NAME", $"Which of the model's templates (default: '{ModelTemplates.ToolUse}' for cases with tools, where there is one)");
        var now = OptionFactory.Text("--now", "TIME", $"Time that strftime_now sees (default {DefaultNow:yyyy-MM-ddTHH:mm:ss}, so that renders can be compared)");
        var command = new Command("render", "Render conversations with a chat template") { template, name, model, json, now };
        command.Validators.Add(result =>
        {
            if (result.GetResult(template) is not null && result.GetResult(model) is not null)
            {
                result.AddError("--template and --model exclude each other: a model has its own template");
            }

            if (result.GetResult(template) is not null && result.GetResult(name) is not null)
            {
                result.AddError("--template and --template-name exclude each other: a file is one template");
            }
        });
        command.SetAction((parsed, _) => services.LeaveOnInterruptAsync(() =>
        {
            var time = ParseTime(parsed.GetValue(now));
            var source = parsed.GetValue(template) is { } path
                ? new Source(ModelTemplates.Of(ReadTemplate(path)), path, null, "", "")
                : FromModel(services, parsed.GetValue(model), parsed.GetValue(name));
            source.For(hasTools: false);
            string lines = parsed.GetRequiredValue(json);
            using var reader = PromptSource.OpenText(services.Console, lines, "--json");
            JsonLines.Convert(
                reader, services.Console.Out, (element, writer) => Render(source, element, time, writer), lines == PromptSource.StandardInput, services.Interrupts.Token);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static void Render(Source source, JsonElement element, DateTimeOffset now, Utf8JsonWriter writer)
    {
        try
        {
            var input = ReadCase(source, element, now);
            writer.WriteString("text", source.For(input.Tools is not null).Render(input).Text);
        }
        catch (TemplateException error)
        {
            writer.WriteString("error", error.Message);
        }
    }

    private static ChatTemplateInput ReadCase(Source source, JsonElement element, DateTimeOffset now)
    {
        if (!element.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
        {
            throw new CliException("the object needs \"messages\", an array");
        }

        bool generate = !element.TryGetProperty("add_generation_prompt", out var flag) || flag.ValueKind == JsonValueKind.True;
        var variables = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        if (element.TryGetProperty("kwargs", out var kwargs) && kwargs.ValueKind == JsonValueKind.Object)
        {
            foreach (var variable in kwargs.EnumerateObject())
            {
                variables[variable.Name] = variable.Value;
            }
        }

        return new ChatTemplateInput
        {
            Messages = [.. messages.EnumerateArray().Select(TemplateMessage.FromJson)],
            Tools = element.TryGetProperty("tools", out var tools) && tools.ValueKind != JsonValueKind.Null ? tools : null,
            AddGenerationPrompt = generate,
            BosToken = element.TryGetProperty("bos_token", out _) ? JsonLines.RequiredString(element, "bos_token") : source.BosToken,
            EosToken = element.TryGetProperty("eos_token", out _) ? JsonLines.RequiredString(element, "eos_token") : source.EosToken,
            Variables = variables,
            Now = now,
        };
    }

    private static Source FromModel(CliServices services, string? path, string? name)
    {
        using var file = services.Models.Open(path);
        var templates = ModelTemplates.Read(file.Metadata);
        if (templates.Names.Count == 0)
        {
            throw new CliException($"{file.Path}: the model has no chat template (tokenizer.chat_template); give one with --template FILE");
        }

        if (name is not null && templates.Source(name) is null)
        {
            throw new CliException($"--template-name: {file.Path} has no template '{name}'; it has {string.Join(", ", templates.Names)}", ExitCode.Usage);
        }

        return new Source(templates, file.Path, name, TokenText(file, "tokenizer.ggml.bos_token_id"), TokenText(file, "tokenizer.ggml.eos_token_id"));
    }

    private static string TokenText(GgufFile file, string key) =>
        file.Metadata.TryGetInt64(key, out long id) && file.Metadata.TryGetStrings("tokenizer.ggml.tokens", out var tokens) && id >= 0 && id < tokens.Count
            ? tokens[(int)id] : "";

    private static string ReadTemplate(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"--template: cannot read {path}: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static ChatTemplate ParseTemplate(string text, string path)
    {
        try
        {
            return ChatTemplate.Parse(text);
        }
        catch (TemplateException error)
        {
            throw new CliException($"{path}: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static DateTimeOffset ParseTime(string? text) => text is null
        ? DefaultNow
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new CliException($"--now: found '{text}', allowed is a time such as 2026-01-15T12:00:00", ExitCode.Usage);
}
