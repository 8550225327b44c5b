using LlmServe.Client;
using LlmServe.SemanticKernel.Registration;
using LlmServe.Serving;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.TextGeneration;

namespace Microsoft.SemanticKernel;

/// <summary>Registers models of LlmServe, on a server or in this process, in kernels.</summary>
public static class LlmServeKernelBuilderExtensions
{
    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatCompletion(
        this IKernelBuilder builder, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, modelId, endpoint, apiKey), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatCompletion(
        this IKernelBuilder builder, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(client, modelId), serviceId);
        return builder;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatCompletion(this IKernelBuilder builder, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, modelPath), serviceId);
        return builder;
    }

    /// <summary>Registers a model of this process, which answers conversations, as <see cref="IChatCompletionService"/> and <see cref="IChatClient"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatCompletion(this IKernelBuilder builder, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, model), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatClient(
        this IKernelBuilder builder, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, modelId, endpoint, apiKey), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatClient(
        this IKernelBuilder builder, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(client, modelId), serviceId);
        return builder;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatClient(this IKernelBuilder builder, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, modelPath), serviceId);
        return builder;
    }

    /// <summary>Registers a model of this process, which answers conversations, as <see cref="IChatClient"/> and <see cref="IChatCompletionService"/>; functions of the kernel are called.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeChatClient(this IKernelBuilder builder, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddChat(builder.Services, ModelRegistration.Of(builder.Services, model), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeTextGeneration(
        this IKernelBuilder builder, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddText(builder.Services, ModelRegistration.Of(builder.Services, modelId, endpoint, apiKey), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeTextGeneration(
        this IKernelBuilder builder, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddText(builder.Services, ModelRegistration.Of(client, modelId), serviceId);
        return builder;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeTextGeneration(this IKernelBuilder builder, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddText(builder.Services, ModelRegistration.Of(builder.Services, modelPath), serviceId);
        return builder;
    }

    /// <summary>Registers a model of this process, which continues texts as they are, as <see cref="ITextGenerationService"/>.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeTextGeneration(this IKernelBuilder builder, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddText(builder.Services, ModelRegistration.Of(builder.Services, model), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="apiKey">The server's key; null: none.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeEmbeddingGenerator(
        this IKernelBuilder builder, string modelId, Uri endpoint, string? apiKey = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddEmbeddings(builder.Services, ModelRegistration.Of(builder.Services, modelId, endpoint, apiKey), serviceId);
        return builder;
    }

    /// <summary>Registers a model of a server, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="client">The connection; null: the container's.</param>
    /// <param name="modelId">The model's id; null: the server's default one.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeEmbeddingGenerator(
        this IKernelBuilder builder, LlmServeClient? client = null, string? modelId = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddEmbeddings(builder.Services, ModelRegistration.Of(client, modelId), serviceId);
        return builder;
    }

    /// <summary>Registers a model that is loaded into this process when it is first asked for, and gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="modelPath">The GGUF file; services of one container with the same path share it.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeEmbeddingGenerator(this IKernelBuilder builder, string modelPath, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddEmbeddings(builder.Services, ModelRegistration.Of(builder.Services, modelPath), serviceId);
        return builder;
    }

    /// <summary>Registers a model of this process, which gives embeddings, as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>; no model does yet, so that calls fail.</summary>
    /// <param name="builder">Where.</param>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    /// <param name="serviceId">What tells the service apart from others; null: nothing.</param>
    public static IKernelBuilder AddLlmServeEmbeddingGenerator(this IKernelBuilder builder, ServedModel model, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ServiceRegistration.AddEmbeddings(builder.Services, ModelRegistration.Of(builder.Services, model), serviceId);
        return builder;
    }
}
