using LlmServe.Client;
using LlmServe.SemanticKernel.Registration;
using LlmServe.Serving;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.TextGeneration;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers models of LlmServe, on a server or in this process, as services of Semantic Kernel.</summary>
public static class LlmServeServiceCollectionExtensions
{
    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatCompletion(
        this IServiceCollection services, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, modelId, endpoint, apiKey), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatCompletion(
        this IServiceCollection services, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(client, modelId), serviceId);
        return services;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatCompletion(this IServiceCollection services, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, modelPath), serviceId);
        return services;
    }

    /// <summary>Registers a model of this process, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatCompletion(this IServiceCollection services, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, model), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatClient(
        this IServiceCollection services, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, modelId, endpoint, apiKey), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatClient(
        this IServiceCollection services, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(client, modelId), serviceId);
        return services;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatClient(this IServiceCollection services, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, modelPath), serviceId);
        return services;
    }

    /// <summary>Registers a model of this process, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="services">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeChatClient(this IServiceCollection services, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddChat(services, ModelRegistration.Of(services, model), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeTextGeneration(
        this IServiceCollection services, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddText(services, ModelRegistration.Of(services, modelId, endpoint, apiKey), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="services">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeTextGeneration(
        this IServiceCollection services, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddText(services, ModelRegistration.Of(client, modelId), serviceId);
        return services;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeTextGeneration(this IServiceCollection services, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddText(services, ModelRegistration.Of(services, modelPath), serviceId);
        return services;
    }

    /// <summary>Registers a model of this process, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="services">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeTextGeneration(this IServiceCollection services, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddText(services, ModelRegistration.Of(services, model), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeEmbeddingGenerator(
        this IServiceCollection services, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddEmbeddings(services, ModelRegistration.Of(services, modelId, endpoint, apiKey), serviceId);
        return services;
    }

    /// <summary>Registers a model of a server, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="services">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeEmbeddingGenerator(
        this IServiceCollection services, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddEmbeddings(services, ModelRegistration.Of(client, modelId), serviceId);
        return services;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="services">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeEmbeddingGenerator(this IServiceCollection services, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddEmbeddings(services, ModelRegistration.Of(services, modelPath), serviceId);
        return services;
    }

    /// <summary>Registers a model of this process, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="services">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IServiceCollection AddLlmServeEmbeddingGenerator(this IServiceCollection services, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ServiceRegistration.AddEmbeddings(services, ModelRegistration.Of(services, model), serviceId);
        return services;
    }
}
