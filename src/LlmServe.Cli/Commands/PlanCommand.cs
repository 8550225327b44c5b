using System.CommandLine;
using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;
using LlmServe.V1;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve plan</c>: what a request would get from a running server.</summary>
internal static class PlanCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var prompt = new Argument<string?>("PROMPT")
        {
            Description = "Text to continue; - reads it from standard input",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var chat = OptionFactory.Switch("--chat", "Put the prompt into the model's chat template, as one user message");
        var tokens = OptionFactory.Integer("--prompt-tokens", "Plan for a prompt of this many tokens, in place of PROMPT", 1);
        var most = OptionFactory.Integer("--max-tokens", "Most tokens of the answer (default: as many as the context holds)", 1);
        var command = new Command("plan", "Ask a running server when a request would get its first token, and how fast the others; exit code 1 if it would be refused")
        {
            prompt, chat, tokens, most,
        };
        var server = ServerOption.AddTo(command, orOwn: true);
        var connection = ServerConnection.AddTo(command);
        command.Validators.Add(result =>
        {
            if ((result.GetResult(tokens) is null) == (result.GetValue(prompt) is null))
            {
                result.AddError("exactly one of PROMPT and --prompt-tokens is needed");
            }
            else if (result.GetResult(tokens) is not null && result.GetValue(chat))
            {
                result.AddError("--chat needs PROMPT: a number of tokens is what the template has made already");
            }
        });
        command.SetAction(async (parsed, _) =>
        {
            int? maxTokens = parsed.GetValue(most);
            var request = parsed.GetValue(tokens) is { } size
                ? new PlanRequest { Size = Limited(new RequestSize { PromptTokens = size }, maxTokens) }
                : RequestOf(await PromptSource.ReadAsync(services, parsed.GetValue(prompt)!), parsed.GetValue(chat), maxTokens);
            using var client = connection.Open(parsed, parsed.GetValue(server), services.Environment);
            return Print(services, await AskAsync(services, client, request));
        });
        return command;
    }

    private static async Task<PlanResponse> AskAsync(CliServices services, Client.LlmServeClient client, PlanRequest request)
    {
        try
        {
            return await client.PlanAsync(request, services.Interrupts.Token);
        }
        catch (Exception error)
        {
            throw ServerAddress.Explain(error, client, services.Interrupts.Token);
        }
    }

    private static int Print(CliServices services, PlanResponse plan)
    {
        var output = services.Console.Out;
        if (!plan.Accepted)
        {
            output.WriteLine($"refused: {plan.Refusal}");
            return ExitCode.Failure;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"first token in {plan.TimeToFirstTokenSeconds:0.000} s ({plan.PromptTokens} prompt tokens, {plan.WaitSeconds:0.000} s of waiting)"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"then {plan.TokensPerSecond:0.0} tokens/s; all of it in {plan.TotalSeconds:0.00} s"));
        output.WriteLine($"{plan.Running} requests run now, {plan.Waiting} wait");
        return ExitCode.Ok;
    }

    private static RequestSize Limited(RequestSize size, int? maxTokens)
    {
        if (maxTokens is { } most)
        {
            size.MaxTokens = most;
        }

        return size;
    }

    private static PlanRequest RequestOf(string prompt, bool chat, int? maxTokens)
    {
        var options = new GenerationOptions();
        if (maxTokens is { } most)
        {
            options.MaxTokens = most;
        }

        return chat
            ? new PlanRequest { Chat = new ChatRequest { Messages = { new ChatMessage { Role = "user", Content = prompt } }, Options = options } }
            : new PlanRequest { Generate = new GenerateRequest { Text = prompt, Options = options } };
    }
}
