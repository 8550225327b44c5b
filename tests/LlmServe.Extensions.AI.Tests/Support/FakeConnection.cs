using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using LlmServe.Extensions.AI.Connections;
using LlmServe.V1;

namespace LlmServe.Extensions.AI.Tests.Support;

/// <summary>A connection whose answers are written down beforehand, and that keeps what it was asked.</summary>
internal sealed class FakeConnection(params GenerationDelta[] answer) : IModelConnection
{
    public ConcurrentQueue<ChatRequest> Requests { get; } = new();

    public Model Model { get; init; } = new() { Id = "fake" };

    public Uri? Address => new("http://127.0.0.1:1");

    public bool IsDisposed { get; private set; }

    /// <summary>The only request.</summary>
    public ChatRequest Request => Assert.Single(Requests);

    public async IAsyncEnumerable<GenerationDelta> ChatAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Requests.Enqueue(request.Clone());
        foreach (var delta in answer.Length > 0 ? answer : [new GenerationDelta { Text = "ok" }, Last()])
        {
            cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
            yield return delta;
        }
    }

    public IAsyncEnumerable<GenerationDelta> GenerateAsync(GenerateRequest request, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Model> GetModelAsync(string model, CancellationToken cancellation) => Task.FromResult(Model);

    public object? GetService(Type type) => null;

    public void Dispose() => IsDisposed = true;

    /// <summary>The last piece of an answer.</summary>
    public static GenerationDelta Last(FinishReason reason = FinishReason.Stop) => new()
    {
        FinishReason = reason,
        Usage = new Usage { PromptTokens = 7, CompletionTokens = 5, CachedPromptTokens = 3, ReasoningTokens = 2 },
        Timings = new Timings { PrefillSeconds = 0.5 },
    };
}
