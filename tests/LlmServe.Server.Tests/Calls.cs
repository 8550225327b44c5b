using Grpc.Core;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>Shorthands for calls in tests.</summary>
internal static class Calls
{
    /// <summary>Longest that a test waits for something that should happen at once.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Reads an answer to its end.</summary>
    public static async Task<List<GenerationDelta>> ToListAsync(this IAsyncEnumerable<GenerationDelta> answer)
    {
        var deltas = new List<GenerationDelta>();
        await foreach (var delta in answer)
        {
            deltas.Add(delta);
        }

        return deltas;
    }

    /// <summary>The whole text of an answer.</summary>
    public static string Text(this IEnumerable<GenerationDelta> answer) => string.Concat(answer.Select(delta => delta.Text));

    /// <summary>Asserts that a call fails with a status.</summary>
    public static async Task<RpcException> FailsAsync(StatusCode status, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(call).WaitAsync(Patience);
        Assert.True(status == exception.StatusCode, $"expected {status}, got {exception.Status}");
        return exception;
    }

    /// <summary>Asserts that a call fails with INVALID_ARGUMENT and names a field in message and trailer.</summary>
    public static async Task<RpcException> FailsOnAsync(string field, Func<Task> call)
    {
        var exception = await FailsAsync(StatusCode.InvalidArgument, call);
        Assert.StartsWith($"{field}: ", exception.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(field, exception.Trailers.GetValue("llmserve-field"));
        return exception;
    }
}
