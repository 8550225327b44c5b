using LlmServe.Client;
using LlmServe.Extensions.AI;
using LlmServe.Extensions.AI.Connections;
using LlmServe.Hosting;
using LlmServe.Serving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmServe.SemanticKernel.Registration;

/// <summary>Where a registered service finds its model. Connections and models that a container makes, it shares between its services, and closes.</summary>
/// <param name="Connect">Finds it.</param>
/// <param name="ModelId">Which of a connection's models; null: its default one.</param>
internal sealed record ModelRegistration(Func<IServiceProvider, IModelConnection> Connect, string? ModelId)
{
    /// <summary>A model of a server.</summary>
    public static ModelRegistration Of(IServiceCollection services, string modelId, Uri endpoint, string? apiKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelId);
        ArgumentNullException.ThrowIfNull(endpoint);
        var key = (endpoint, apiKey);
        services.TryAddKeyedSingleton(key, (_, _) => new LlmServeClient(endpoint, new LlmServeClientOptions { ApiKey = apiKey }));
        return new ModelRegistration(provider => new RemoteConnection(provider.GetRequiredKeyedService<LlmServeClient>(key), owned: false), modelId);
    }

    /// <summary>A model of a server whose connection is the container's, or given.</summary>
    public static ModelRegistration Of(LlmServeClient? client, string? modelId) =>
        new(provider => new RemoteConnection(client ?? provider.GetRequiredService<LlmServeClient>(), owned: false), modelId);

    /// <summary>A model that is loaded into this process when it is first asked for.</summary>
    public static ModelRegistration Of(IServiceCollection services, string modelPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        services.TryAddKeyedSingleton(modelPath, (_, _) => LocalModel.OpenAsync(new ModelSettings { Path = modelPath }, CancellationToken.None).GetAwaiter().GetResult());
        return new ModelRegistration(provider => new LocalConnection(provider.GetRequiredKeyedService<LocalModel>(modelPath).Core, owned: null), null);
    }

    /// <summary>A model of this process.</summary>
    public static ModelRegistration Of(IServiceCollection services, ServedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        services.TryAddKeyedSingleton(model, (_, _) => new ServingCore([model], new ServingOptions()));
        return new ModelRegistration(provider => new LocalConnection(provider.GetRequiredKeyedService<ServingCore>(model), owned: null), model.Id);
    }

    /// <summary>The model as a chat client.</summary>
    public LlmServeChatClient CreateClient(IServiceProvider provider) => new(Connect(provider), ModelId);
}
