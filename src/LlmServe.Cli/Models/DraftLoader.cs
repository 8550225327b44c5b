using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Engine;

namespace LlmServe.Cli.Models;

/// <summary>Loads a model's draft model.</summary>
internal static class DraftLoader
{
    /// <summary>Loads what <c>--draft</c> names onto the lanes of the model that it drafts for.</summary>
    /// <returns>Null without <c>--draft</c>.</returns>
    /// <exception cref="CliException">There is no such file, or it has another vocabulary.</exception>
    public static async Task<LoadedModel?> LoadAsync(CliServices services, ModelSettings settings, LoadedModel model, CancellationToken cancellation)
    {
        if (settings.Draft is null)
        {
            return null;
        }

        var cpu = settings.Cpu with { LanesOf = model.Executor, KvBytes = null };
        var draft = await services.Models.LoadAsync(services.Console, new ModelSettings(settings.Draft, cpu, settings.RepackCache) { Origin = "--draft" }, cancellation);
        try
        {
            Describe(services, draft).RequireVocabularyOf(model.Tokenizer);
            return draft;
        }
        catch (ArgumentException error)
        {
            draft.Dispose();
            throw new CliException($"--draft: {settings.Draft}: {error.Message}", ExitCode.Failure, error);
        }
    }

    /// <summary>The draft as the engine takes it.</summary>
    public static DraftModel Describe(CliServices services, LoadedModel draft) => new(draft.Executor, draft.Tokenizer)
    {
        OnFailure = error => services.Console.WriteNote($"the draft model failed and is out of use; answers go on without it: {error.Message}"),
    };
}
