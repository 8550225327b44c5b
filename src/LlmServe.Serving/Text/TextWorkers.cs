using System.Diagnostics;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>
/// The threads that render and tokenize texts: few, and below the model's lanes in priority, so that no text, however long, holds up answers that
/// stream, health, or the end of a call. Clients share them evenly by the time that their texts take; a text that its client gives up while it waits
/// costs nothing. Thread-safe.
/// </summary>
internal sealed class TextWorkers : IDisposable
{
    /// <summary>Most texts of one client that wait.</summary>
    public const int MostOfClient = 512;

    /// <summary>Most texts that wait.</summary>
    public const int Most = 4096;

    private readonly object _lock = new(); // for Monitor.Wait
    private readonly List<ClientTexts> _waiting = []; // guarded by _lock; each has a job
    private readonly int _threads;
    private int _idle;
    private int _started;
    private int _count;
    private long _now; // the client time of whoever was served last
    private bool _stopped;

    /// <param name="threads">Most threads; they start when they are needed.</param>
    public TextWorkers(int threads) => _threads = threads;

    /// <summary>Texts that wait now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>Runs text work for a client when its turn comes.</summary>
    /// <param name="call">The call that needs it; its end, while the work waits, ends the wait.</param>
    /// <param name="work">What to do, until its token is set. [worker thread]</param>
    /// <param name="place">The place that the work prepares a request for; its loss, while the work waits, ends the wait too. Null: none.</param>
    /// <returns>What the work gives or throws; default if it was not done: then the call's outcome says why.</returns>
    public async ValueTask<TResult?> RunAsync<TResult>(ServedCall call, Func<CancellationToken, TResult> work, AdmissionTicket? place = null)
    {
        using var job = new TextJob<TResult>(this, call, work, place);
        if (Enqueue(job) is { } refusal)
        {
            call.Outcome = refusal;
            return default;
        }

        job.WatchForEnd();
        return await job.Result.ConfigureAwait(false);
    }

    /// <summary>Ends the threads; work that waits fails as the server stops.</summary>
    public void Dispose()
    {
        List<TextJob> left;
        lock (_lock)
        {
            _stopped = true;
            left = [.. _waiting.SelectMany(texts => texts.Jobs)];
            _waiting.Clear();
            _count = 0;
            Monitor.PulseAll(_lock);
        }

        foreach (var job in left)
        {
            job.Refuse(Failure.Stopping);
        }
    }

    /// <summary>Takes out a job whose client gave up. False: it runs already, or has ended.</summary>
    internal bool Remove(TextJob job)
    {
        lock (_lock)
        {
            if (Find(job.Client) is not { } texts || !texts.Jobs.Remove(job))
            {
                return false;
            }

            _count--;
            if (texts.Jobs.Count == 0)
            {
                _waiting.Remove(texts);
            }

            return true;
        }
    }

    private Failure? Enqueue(TextJob job)
    {
        bool start = false;
        lock (_lock)
        {
            var texts = Find(job.Client);
            if (_stopped)
            {
                return Failure.Stopping;
            }

            if (_count >= Most || texts?.Jobs.Count >= MostOfClient)
            {
                return Failure.Exhausted($"{_count} texts wait to be read, {texts?.Jobs.Count ?? 0} of them yours; try again later");
            }

            if (texts is null)
            {
                _waiting.Add(texts = new ClientTexts(job.Client));
                // Idle time earns no credit.
                job.Client.TextTime = Math.Max(job.Client.TextTime, _now);
            }

            texts.Jobs.AddLast(job);
            _count++;
            if (_idle > 0)
            {
                Monitor.Pulse(_lock);
            }
            else if (_started < _threads)
            {
                _started++;
                start = true;
            }
        }

        if (start)
        {
            new Thread(Work) { Name = "llmserve text", IsBackground = true }.Start();
        }

        return null;
    }

    private ClientTexts? Find(ServedClient client)
    {
        foreach (var texts in _waiting)
        {
            if (texts.Client == client)
            {
                return texts;
            }
        }

        return null;
    }

    private void Work()
    {
        ThreadPriorityBelow.Lower();
        while (Next() is { } job)
        {
            long start = Stopwatch.GetTimestamp();
            job.Run();
            long time = Stopwatch.GetTimestamp() - start;
            lock (_lock)
            {
                job.Client.TextTime += time;
            }
        }
    }

    /// <summary>Waits for work. Null: there will be none.</summary>
    private TextJob? Next()
    {
        lock (_lock)
        {
            while (_waiting.Count == 0)
            {
                if (_stopped)
                {
                    return null;
                }

                _idle++;
                Monitor.Wait(_lock);
                _idle--;
            }

            var next = _waiting[0];
            foreach (var texts in _waiting)
            {
                next = texts.Client.TextTime < next.Client.TextTime ? texts : next;
            }

            var job = next.Jobs.First!.Value;
            next.Jobs.RemoveFirst();
            _count--;
            _now = next.Client.TextTime;
            if (next.Jobs.Count == 0)
            {
                _waiting.Remove(next);
            }

            return job;
        }
    }

    /// <summary>A client's texts that wait, oldest first.</summary>
    private sealed record ClientTexts(ServedClient Client)
    {
        public LinkedList<TextJob> Jobs { get; } = [];
    }
}
