using System.Runtime.InteropServices;

namespace LlmServe.Engine;

/// <summary>Counts the requests that run or wait, and says when there are enough. Not thread-safe.</summary>
/// <param name="most">Most of all clients together.</param>
/// <param name="mostPerClient">Most of one named client; 0: no limit.</param>
internal sealed class RequestCounts(int most, int mostPerClient)
{
    private readonly Dictionary<string, int> _byClient = []; // only where their number is limited

    /// <summary>Requests of all clients.</summary>
    public int Total { get; private set; }

    /// <summary>Why one more from this client cannot be taken now; null: it can.</summary>
    public EngineException? Refusal(string? client)
    {
        if (Total >= most)
        {
            return new EngineException(
                EngineError.QueueFull, $"the queue is full: {Total} requests run or wait, and at most {most} may; try again later");
        }

        int own = client is null || mostPerClient == 0 ? 0 : _byClient.GetValueOrDefault(client);
        return own == 0 || own < mostPerClient
            ? null
            : new EngineException(
                EngineError.ClientLimit, $"client {client} has {own} requests running or waiting, and at most {mostPerClient} may; try again later");
    }

    /// <summary>Counts a request in.</summary>
    public void Add(string? client)
    {
        Total++;
        Change(client, 1);
    }

    /// <summary>Counts a request out.</summary>
    public void Remove(string? client)
    {
        Total--;
        Change(client, -1);
    }

    private void Change(string? client, int change)
    {
        if (mostPerClient == 0 || client is null)
        {
            return;
        }

        ref int own = ref CollectionsMarshal.GetValueRefOrAddDefault(_byClient, client, out _);
        own += change;
        if (own == 0)
        {
            _byClient.Remove(client);
        }
    }
}
