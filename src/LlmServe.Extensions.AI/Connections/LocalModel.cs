using LlmServe.Hosting;
using LlmServe.Serving;

namespace LlmServe.Extensions.AI.Connections;

/// <summary>A model that was loaded into this process, and what calls of it pass.</summary>
internal sealed class LocalModel : IDisposable, IAsyncDisposable
{
    private readonly HostedModel _hosted;

    private LocalModel(HostedModel hosted)
    {
        _hosted = hosted;
        Core = new ServingCore([hosted.Served], new ServingOptions());
    }

    /// <summary>What calls pass.</summary>
    public ServingCore Core { get; }

    /// <summary>Loads a model.</summary>
    /// <exception cref="OptionException">There is no such file, or it cannot be used so.</exception>
    /// <exception cref="LlmServe.Gguf.GgufException">The file is broken or of a kind that is not supported.</exception>
    public static async Task<LocalModel> OpenAsync(ModelSettings settings, CancellationToken cancellation) =>
        new(await HostedModel.StartAsync(settings, cancellation: cancellation).ConfigureAwait(false));

    /// <inheritdoc/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _hosted.DisposeAsync().ConfigureAwait(false);
        Core.Dispose();
    }
}
