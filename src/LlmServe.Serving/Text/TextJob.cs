using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>A piece of text work that waits for a worker.</summary>
internal abstract class TextJob : IDisposable
{
    private readonly TextWorkers _workers;
    private readonly AdmissionTicket? _place;
    private readonly CancellationTokenSource? _either;
    private CancellationTokenRegistration _registration;

    /// <param name="workers">Where it waits.</param>
    /// <param name="call">The call that needs it.</param>
    /// <param name="place">The place that it prepares a request for; null: none.</param>
    protected TextJob(TextWorkers workers, ServedCall call, AdmissionTicket? place)
    {
        _workers = workers;
        _place = place;
        Call = call;
        _either = place is null ? null : CancellationTokenSource.CreateLinkedTokenSource(call.Aborted, place.Cancelled);
    }

    /// <summary>Who pays for it.</summary>
    public ServedClient Client => Call.Client;

    /// <summary>The call that needs it.</summary>
    protected ServedCall Call { get; }

    /// <summary>Set when nobody needs it any more.</summary>
    protected CancellationToken Unneeded => _either?.Token ?? Call.Aborted;

    /// <summary>Takes the job out of the queue when nobody needs it any more. Called once it is in the queue.</summary>
    public void WatchForEnd() => _registration = Unneeded.UnsafeRegister(static job => ((TextJob)job!).GiveUp(), this);

    /// <summary>Does the work, unless nobody needs it any more. [worker thread]</summary>
    public void Run()
    {
        _registration.Unregister();
        if (Unneeded.IsCancellationRequested)
        {
            Refuse(Reason());
            return;
        }

        Work();
    }

    /// <summary>Ends the job without doing it.</summary>
    public abstract void Refuse(Failure failure);

    /// <inheritdoc/>
    public void Dispose() => _either?.Dispose();

    /// <summary>Does the work.</summary>
    protected abstract void Work();

    /// <summary>Why nobody needs it any more.</summary>
    protected Failure Reason() => Call.EndedBy(_place) ?? Failure.Cancelled;

    private void GiveUp()
    {
        if (_workers.Remove(this))
        {
            Refuse(Reason());
        }
    }
}
