using System.Threading.Channels;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine;

/// <summary>
/// A place among the requests of an engine, taken before the request is prepared (<see cref="LlmEngine.TryReserve"/>): whoever has one may spend time on
/// rendering and tokenizing, and everyone else is refused at no cost. Use it with <see cref="Submit"/>, or give it back with <see cref="Dispose"/>.
/// Thread-safe.
/// </summary>
public sealed class AdmissionTicket : IDisposable
{
    private readonly LlmEngine _engine;
    private readonly CancellationTokenSource _lost = new();
    private volatile EngineException? _refusal;
    private int _used;

    /// <param name="engine">Whose place it is.</param>
    /// <param name="arrival">Order of arrival; lower is older.</param>
    /// <param name="client">Whose request it will be.</param>
    /// <param name="priority">Its priority.</param>
    internal AdmissionTicket(LlmEngine engine, long arrival, string? client, int priority)
    {
        _engine = engine;
        Arrival = arrival;
        Client = client;
        Priority = priority;
    }

    /// <summary>Whose place it is; null: of requests without a name.</summary>
    public string? Client { get; }

    /// <summary>The request's priority.</summary>
    public int Priority { get; }

    /// <summary>Cancelled when the place is lost before it was used, so that preparing can stop. <see cref="Refusal"/> then says why.</summary>
    public CancellationToken Cancelled => _lost.Token;

    /// <summary>Why the place was lost: to a client that holds less, or because the engine has stopped or failed. Null: it was not.</summary>
    public EngineException? Refusal
    {
        get => _refusal;
        internal set => _refusal = value;
    }

    /// <summary>Order of arrival.</summary>
    internal long Arrival { get; }

    /// <summary>The places that this one counts among; null: it is given back. [engine's lock]</summary>
    internal ClientPlaces? Holder { get; set; }

    /// <summary>The request, once there is one. [engine's lock]</summary>
    internal Sequence? Sequence { get; set; }

    /// <summary>Whether the request has not begun to run. [engine's lock]</summary>
    internal bool IsWaiting => Sequence?.Life.IsWaiting ?? true;

    /// <summary>Queues the request that the place was taken for, under the ticket's client and priority. A ticket is used once.</summary>
    /// <param name="request">What to generate; its own client and priority do not count.</param>
    /// <param name="cancellation">As in <see cref="LlmEngine.Submit"/>.</param>
    /// <returns>As of <see cref="LlmEngine.Submit"/>.</returns>
    /// <exception cref="EngineException">The request is invalid (the place stays taken until <see cref="Dispose"/>), or the place was lost.</exception>
    /// <exception cref="InvalidOperationException">The ticket was used or given back before.</exception>
    public ChannelReader<GenerationUpdate> Submit(GenerationRequest request, CancellationToken cancellation) =>
        _engine.Use(this, request, cancellation);

    /// <summary>Gives the place back if it was not used.</summary>
    public void Dispose()
    {
        if (TryUse())
        {
            _engine.GiveBack(this);
        }
    }

    /// <summary>True for the first who asks: a ticket is used or given back once.</summary>
    internal bool TryUse() => Interlocked.Exchange(ref _used, 1) == 0;

    /// <summary>Takes the place away unless its request runs. [engine's lock]</summary>
    internal bool TryDisplace() => Sequence is null || Sequence.Life.TryEndWaiting();

    /// <summary>Tells whoever prepares that the place is lost. Callbacks run on the thread pool, whatever they do.</summary>
    internal void TellLost() => _ = _lost.CancelAsync();
}
