using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Hosting;

/// <summary>Loads a model's draft model.</summary>
internal static class DraftLoader
{
    /// <summary>Loads what <see cref="ModelSettings.Draft"/> names onto the lanes of the model that it drafts for.</summary>
    /// <returns>Null where it names nothing.</returns>
    /// <exception cref="OptionException">There is no such file, or it has another vocabulary.</exception>
    public static async Task<LoadedModel?> LoadAsync(
        ModelLoader loader, ModelSettings settings, LoadedModel model, bool warns, ILoadWatcher watcher, CancellationToken cancellation)
    {
        if (settings.Draft is null)
        {
            return null;
        }

        var cpu = settings.Cpu with { LanesOf = model.Executor, KvBytes = null };
        var draft = await loader.LoadAsync(
            new ModelSettings { Path = settings.Draft, Cpu = cpu, RepackCache = settings.RepackCache }, nameof(ModelSettings.Draft), warns, watcher, cancellation)
            .ConfigureAwait(false);
        try
        {
            Describe(draft, watcher).RequireVocabularyOf(model.Tokenizer);
            return draft;
        }
        catch (ArgumentException error)
        {
            draft.Dispose();
            throw new OptionException(nameof(ModelSettings.Draft), $"{settings.Draft}: {PlainMessage.Of(error)}", error);
        }
    }

    /// <summary>The draft as the engine takes it.</summary>
    public static DraftModel Describe(LoadedModel draft, ILoadWatcher watcher) => new(draft.Executor, draft.Tokenizer)
    {
        OnFailure = error => watcher.Note($"the draft model failed and is out of use; answers go on without it: {error.Message}"),
    };
}
