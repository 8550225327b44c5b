using LlmServe.Extensions.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.TextGeneration;

namespace LlmServe.SemanticKernel.Registration;

/// <summary>Registers the services of a model.</summary>
internal static class ServiceRegistration
{
    /// <summary>
    /// Registers a model's chats, both as Semantic Kernel's own service and as a chat client: where a kernel has but one of them and a service for texts, it
    /// would send prompts to the latter.
    /// </summary>
    public static void AddChat(IServiceCollection services, ModelRegistration model, string? serviceId)
    {
        services.AddKeyedSingleton<IChatClient>(serviceId, (provider, _) => model.CreateClient(provider)
            .AsBuilder()
            .UseKernelFunctionInvocation(provider.GetService<ILoggerFactory>())
            .Build(provider));
        services.AddKeyedSingleton<IChatCompletionService>(
            serviceId, (provider, _) => provider.GetRequiredKeyedService<IChatClient>(serviceId).AsChatCompletionService(provider));
    }

    /// <summary>Registers a model's texts.</summary>
    public static void AddText(IServiceCollection services, ModelRegistration model, string? serviceId) =>
        services.AddKeyedSingleton<ITextGenerationService>(serviceId, (provider, _) => new LlmServeTextGenerationService(model.CreateClient(provider)));

    /// <summary>Registers a model's embeddings.</summary>
    public static void AddEmbeddings(IServiceCollection services, ModelRegistration model, string? serviceId) =>
        services.AddKeyedSingleton<IEmbeddingGenerator<string, Embedding<float>>>(
            serviceId, (provider, _) => new LlmServeEmbeddingGenerator(model.Connect(provider), model.ModelId));
}
