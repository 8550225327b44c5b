using LlmServe.Extensions.AI.Connections;
using LlmServe.V1;

namespace LlmServe.Extensions.AI.Tests.Support;

/// <summary>A connection with another answer for every request.</summary>
internal sealed class RoundsConnection(Queue<GenerationDelta[]> rounds) : IModelConnection
{
    public Uri? Address => null;

    public IAsyncEnumerable<GenerationDelta> ChatAsync(ChatRequest request, CancellationToken cancellation) => rounds.Dequeue().ToAsyncEnumerable();

    public IAsyncEnumerable<GenerationDelta> GenerateAsync(GenerateRequest request, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Model> GetModelAsync(string model, CancellationToken cancellation) => Task.FromResult(new Model { Id = "fake" });

    public object? GetService(Type type) => null;

    public void Dispose()
    {
    }
}
