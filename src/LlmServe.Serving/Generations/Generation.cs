using System.Threading.Channels;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>An answer on its way. Whoever has it reads it to its end or disposes it, which frees its place in the engine.</summary>
public sealed class Generation : IDisposable
{
    private readonly ServedCall _call;
    private readonly ChannelReader<GenerationUpdate> _updates;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationTokenRegistration _abort;
    private readonly ServingTotals _totals;
    private bool _ended;

    internal Generation(ServedCall call, ServedModel model, ChannelReader<GenerationUpdate> updates, CancellationTokenSource ending, CancellationTokenRegistration abort,
        ServingTotals totals)
    {
        _call = call;
        Model = model;
        _updates = updates;
        _ending = ending;
        _abort = abort;
        _totals = totals;
    }

    /// <summary>The model that answers.</summary>
    public ServedModel Model { get; }

    /// <summary>
    /// Waits for what comes next. The call's end ends the wait without an exception. Where a client is far behind, the engine gives what waits for it as one
    /// update with all tokens and texts in a row.
    /// </summary>
    /// <returns>The update; null: nothing follows.</returns>
    public async ValueTask<GenerationUpdate?> NextAsync()
    {
        // The engine ends a cancelled answer with an update of its own, so nothing here waits for the token, and nothing is thrown.
        while (!_ended && await _updates.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (_updates.TryRead(out var update))
            {
                return Finish(update) ? update : null;
            }
        }

        return _ended ? null : throw new InvalidOperationException("The engine closed a stream without saying why it ended.");
    }

    /// <summary>Ends the generation if it still runs.</summary>
    public void Dispose()
    {
        _abort.Dispose();
        if (!_ended)
        {
            _ending.Cancel();
        }

        _ending.Dispose();
    }

    /// <summary>Notes how the answer ends, if it does. False: nobody waits for this update.</summary>
    private bool Finish(GenerationUpdate update)
    {
        if (update.FinishReason == FinishReason.None)
        {
            return true;
        }

        _ended = true;
        _call.Last = update;
        if (update is { Usage: { } usage, Timings: { } timings })
        {
            _totals.Add(usage, timings);
        }

        _call.Outcome ??= update.FinishReason switch
        {
            FinishReason.Aborted => Failure.Stopping,
            FinishReason.Cancelled => _call.GivenUp,
            FinishReason.Displaced => Failure.Exhausted(update.Message!),
            _ => null,
        };
        return update.FinishReason is not (FinishReason.Cancelled or FinishReason.Displaced);
    }
}
