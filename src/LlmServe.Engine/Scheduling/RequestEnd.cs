using LlmServe.Engine.Telemetry;

namespace LlmServe.Engine.Scheduling;

/// <summary>The end of a request, which comes once: for whoever was given the sequence by <see cref="RequestLife.TryEnd"/> or its siblings.</summary>
/// <param name="metrics">Where to report; null: nowhere.</param>
/// <param name="onEnded">Called once per sequence, before its last update is sent.</param>
internal sealed class RequestEnd(EngineMetrics? metrics, Action<Sequence> onEnded)
{
    /// <summary>Ends a sequence whose last update says so already.</summary>
    public void Told(Sequence sequence, FinishReason reason)
    {
        try
        {
            Leave(sequence, reason);
        }
        finally
        {
            sequence.Stream.Complete();
        }
    }

    /// <summary>Ends a sequence with an update that has no token.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="reason">Why it ends.</param>
    /// <param name="message">More about it, for people.</param>
    public void Tell(Sequence sequence, FinishReason reason, string? message = null)
    {
        Exception? failure = null;
        try
        {
            Leave(sequence, reason);
            TokenWriter.WriteEnd(sequence, reason, message);
        }
        catch (Exception error)
        {
            failure = OfOne(error);
        }
        finally
        {
            sequence.Stream.Complete(failure);
        }
    }

    /// <summary>Ends a sequence with an error on its stream.</summary>
    public void Fail(Sequence sequence, Exception failure)
    {
        try
        {
            Leave(sequence, FinishReason.None);
        }
        finally
        {
            sequence.Stream.Complete(failure);
        }
    }

    /// <summary>The error of a request that alone cannot go on.</summary>
    public static EngineException OfOne(Exception error) => error as EngineException
        ?? new EngineException(EngineError.RequestFailed, $"the request failed inside the engine, which goes on without it: {error.Message}", null, error);

    private void Leave(Sequence sequence, FinishReason reason)
    {
        sequence.Record.Finish = reason;
        sequence.Life.Cancellation.Unregister();
        metrics?.Finished(sequence, reason);
        onEnded(sequence);
    }
}
