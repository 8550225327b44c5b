using System.Diagnostics;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>One call of a client, whatever protocol it came by, and what is known of it when it ends.</summary>
public sealed class ServedCall
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>What is called, for logs: a gRPC method's full name, or an HTTP method and path.</summary>
    public required string Method { get; init; }

    /// <summary>Who calls.</summary>
    public required ServedClient Client { get; init; }

    /// <summary>Tells the call apart in logs.</summary>
    public string RequestId { get; init; } = "";

    /// <summary>Whether it generates, and so counts as one of the client's streams.</summary>
    public bool IsStream { get; init; }

    /// <summary>Set when nobody waits for the answer any more: the client left, or its deadline passed.</summary>
    public CancellationToken Aborted { get; init; }

    /// <summary>When the client gives up by itself, in UTC.</summary>
    public DateTime Deadline { get; init; } = DateTime.MaxValue;

    /// <summary>The bytes of its request, which are given back when they are read; null: it is short.</summary>
    public RequestLease? Request { get; set; }

    /// <summary>The model that answers; empty until one is found.</summary>
    internal string Model { get; set; } = "";

    /// <summary>The last update of its generation.</summary>
    internal GenerationUpdate? Last { get; set; }

    /// <summary>Why nothing came of it, or its generation ended early; null: neither.</summary>
    public Failure? Outcome { get; set; }

    /// <summary>Time since it came.</summary>
    internal TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>How a call ends that nobody waits for any more.</summary>
    internal Failure GivenUp => Deadline <= DateTime.UtcNow ? Failure.DeadlineExceeded : Failure.Cancelled;

    /// <summary>Why nothing more need be done for the call; null: it goes on.</summary>
    /// <param name="place">The place that it holds in an engine's queue; null: none.</param>
    internal Failure? EndedBy(AdmissionTicket? place)
    {
        if (Aborted.IsCancellationRequested)
        {
            return GivenUp;
        }

        return place is { Cancelled.IsCancellationRequested: true } ? EngineFailures.Translate(place.Refusal!) : null;
    }
}
