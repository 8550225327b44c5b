using LlmServe.V1;

namespace LlmServe.Extensions.AI.Connections;

/// <summary>Where models are, on a server or in this process. Thread-safe.</summary>
internal interface IModelConnection : IDisposable
{
    /// <summary>The server; null: this process.</summary>
    Uri? Address { get; }

    /// <summary>Answers a conversation, piece by piece.</summary>
    /// <exception cref="LlmServeException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IAsyncEnumerable<GenerationDelta> ChatAsync(ChatRequest request, CancellationToken cancellation);

    /// <summary>Continues a text, piece by piece.</summary>
    /// <exception cref="LlmServeException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IAsyncEnumerable<GenerationDelta> GenerateAsync(GenerateRequest request, CancellationToken cancellation);

    /// <summary>Describes a model.</summary>
    /// <param name="model">Its id; empty: the default one.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="LlmServeException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<Model> GetModelAsync(string model, CancellationToken cancellation);

    /// <summary>What lies below, for those who know its type; null: nothing of this type.</summary>
    object? GetService(Type type);
}
