using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine;

/// <content>The engine's thread.</content>
public sealed partial class LlmEngine
{
    /// <summary>Fewest tokens of an answer whose speed says something.</summary>
    private const int LeastForSpeed = 8;

    private long _predicted; // guarded by _lock
    private long _predictedWithin; // guarded by _lock

    private void Run()
    {
        try
        {
            while (TakeIncoming())
            {
                if (_measurementWanted)
                {
                    Measure();
                }

                bool worked = _loop.Step();
                var statistics = _loop.Statistics;
                lock (_lock)
                {
                    _statistics = statistics;
                    _loop.Post(_board);
                    _taken.Clear();
                    while (!worked && !_awake)
                    {
                        Monitor.Wait(_lock);
                    }
                }
            }

            EndAll(null);
            _loop.SaveAll();
            _completion.TrySetResult();
        }
        catch (Exception cause)
        {
            Fail(cause);
        }
        finally
        {
            _over.TrySetResult();
        }
    }

    /// <summary>Hands new sequences to the loop. False when the loop is over.</summary>
    private bool TakeIncoming()
    {
        lock (_lock)
        {
            _awake = false;
            if (_aborting || (_stopping && _places.Total == 0))
            {
                return false;
            }

            (_taken, _incoming) = (_incoming, _taken);
        }

        // Prompts are hashed here, outside the lock. Nobody else changes the list that was taken.
        foreach (var sequence in _taken)
        {
            _loop.Add(sequence);
        }

        return true;
    }

    /// <summary>[no tick runs]</summary>
    private void Measure()
    {
        _measurementWanted = false;
        _executor.Costs.Measure();
        _draft?.Executor.Costs.Measure();
        _measured.TrySetResult();
    }

    private void OnEnded(Sequence sequence)
    {
        var statistics = _loop.Statistics;
        lock (_lock)
        {
            _places.Remove(sequence.Ticket!);
            _statistics = statistics;
            if (sequence.Record.Finish is FinishReason.Stop or FinishReason.Length && !sequence.Request.IgnoreEndOfGeneration)
            {
                _board.Lengths.Add(sequence.Tokens.AnswerLength);
            }

            Learn(sequence);
        }
    }

    /// <summary>Learns how what was predicted for a request turned out. [lock]</summary>
    private void Learn(Sequence sequence)
    {
        if (sequence.Record is not { Predicted: { } predicted, FirstToken: not 0 } record)
        {
            return;
        }

        var timings = record.TimingsOf(sequence.Tokens);
        double first = timings.TimeToFirstToken!.Value;
        _board.FirstTokens.Add(predicted.FirstToken, first);
        _predicted++;
        _predictedWithin += predicted.FirstTokenRange.Contains(first) ? 1 : 0;
        if (timings.TokensPerSecond is { } speed && sequence.Tokens.AnswerLength >= LeastForSpeed)
        {
            _board.Speeds.Add(predicted.TokensPerSecond, speed);
        }
    }

    /// <summary>A tick threw: nobody may wait for an answer that will not come.</summary>
    private void Fail(Exception cause)
    {
        var failure = new EngineException(
            EngineError.Failed, $"the engine failed and has stopped; restart it. Cause: {cause.Message}", null, cause);
        lock (_lock)
        {
            _failure = failure;
        }

        _completion.TrySetException(failure);
        _ = _completion.Task.Exception; // seen here, so that nobody has to look
        _loop.Forget();
        EndAll(failure);
    }

    /// <summary>Ends whatever has a place, each once and whatever another's end throws. Nothing is queued any more after it.</summary>
    /// <param name="failure">What the streams complete with; null: the engine was stopped.</param>
    private void EndAll(EngineException? failure)
    {
        AdmissionTicket[] live;
        lock (_lock)
        {
            _stopping = true;
            live = [.. _places.Tickets];
            foreach (var ticket in live)
            {
                // A request that is just being queued finds this and goes no further.
                ticket.Refusal = ticket.Sequence is null ? failure ?? Stopping() : ticket.Refusal;
            }
        }

        foreach (var ticket in live)
        {
            try
            {
                End(ticket, failure);
            }
            catch (Exception)
            {
                // Its stream is complete all the same. The next one's matters more than what went wrong beside it.
            }
        }
    }

    private void End(AdmissionTicket ticket, EngineException? failure)
    {
        if (ticket.Sequence is not { } sequence)
        {
            lock (_lock)
            {
                _places.Remove(ticket);
            }

            ticket.TellLost();
        }
        else if (failure is null)
        {
            _loop.End(sequence, FinishReason.Aborted);
        }
        else if (sequence.Life.TryEnd())
        {
            _unbegun.Fail(sequence, failure); // slots and blocks are left alone: after a failure nothing runs any more
        }
    }
}
