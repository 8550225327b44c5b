namespace LlmServe.Serving;

/// <summary>A piece of text work that waits for a worker.</summary>
internal abstract class TextJob(TextWorkers workers, ServedCall call)
{
    private CancellationTokenRegistration _registration;

    /// <summary>Who pays for it.</summary>
    public ServedClient Client => Call.Client;

    /// <summary>The call that needs it.</summary>
    protected ServedCall Call { get; } = call;

    /// <summary>Takes the job out of the queue when its call ends. Called once it is in the queue.</summary>
    public void WatchForEnd() => _registration = Call.Aborted.UnsafeRegister(static job => ((TextJob)job!).GiveUp(), this);

    /// <summary>Does the work, unless nobody waits for it any more. [worker thread]</summary>
    public void Run()
    {
        _registration.Unregister();
        if (Call.Aborted.IsCancellationRequested)
        {
            Refuse(Call.GivenUp);
            return;
        }

        Work();
    }

    /// <summary>Ends the job without doing it.</summary>
    public abstract void Refuse(Failure failure);

    /// <summary>Does the work.</summary>
    protected abstract void Work();

    private void GiveUp()
    {
        if (workers.Remove(this))
        {
            Refuse(Call.GivenUp);
        }
    }
}
