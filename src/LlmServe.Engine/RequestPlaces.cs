namespace LlmServe.Engine;

/// <summary>
/// Who holds the places of an engine: one for each request that runs, waits or is being prepared. When all are taken, the client that holds most gives
/// way to one that holds less, so that nobody can lock the others out. Not thread-safe.
/// </summary>
/// <param name="most">Places of all clients together.</param>
/// <param name="mostPerClient">Most of one named client; 0: no limit.</param>
internal sealed class RequestPlaces(int most, int mostPerClient)
{
    private readonly Dictionary<string, ClientPlaces> _byName = [];
    private readonly ClientPlaces _unnamed = new(null);

    /// <summary>Places of all clients together.</summary>
    public int Most => most;

    /// <summary>Places that are taken.</summary>
    public int Total { get; private set; }

    /// <summary>Every ticket that has a place, in no order.</summary>
    public IEnumerable<AdmissionTicket> Tickets => _byName.Values.Append(_unnamed).SelectMany(client => client.Tickets);

    /// <summary>Why one more from this client cannot be taken now; null: it can.</summary>
    public EngineException? Refusal(string? client)
    {
        var holder = Find(client);
        int own = holder?.Tickets.Count ?? 0;
        if (client is not null && mostPerClient > 0 && own >= mostPerClient)
        {
            return new EngineException(
                EngineError.ClientLimit, $"client {client} has {own} requests running or waiting, and at most {mostPerClient} may; try again later");
        }

        return Total < most || Greediest(own) is not null
            ? null
            : new EngineException(
                EngineError.QueueFull, $"the queue is full: {Total} requests run or wait, and at most {most} may; try again later");
    }

    /// <summary>
    /// Gives a ticket a place. The caller has asked <see cref="Refusal"/>; false when requests that could have given way have begun to run since.
    /// </summary>
    /// <param name="ticket">Has no place yet.</param>
    /// <param name="displaced">The ticket that lost its place for it, if one had to. Its <see cref="AdmissionTicket.Refusal"/> says why.</param>
    public bool TryAdd(AdmissionTicket ticket, out AdmissionTicket? displaced)
    {
        displaced = null;
        if (Total >= most && !TryDisplace(Find(ticket.Client)?.Tickets.Count ?? 0, out displaced))
        {
            return false;
        }

        var holder = Find(ticket.Client);
        if (holder is null)
        {
            holder = new ClientPlaces(ticket.Client);
            _byName.Add(ticket.Client!, holder);
        }

        holder.Tickets.Add(ticket);
        ticket.Holder = holder;
        Total++;
        return true;
    }

    /// <summary>Takes a ticket's place back, if it has one.</summary>
    public void Remove(AdmissionTicket ticket)
    {
        if (ticket.Holder is not { } holder)
        {
            return;
        }

        ticket.Holder = null;
        Total--;
        holder.Tickets.Remove(ticket);
        if (holder.Tickets.Count == 0 && holder.Name is not null)
        {
            _byName.Remove(holder.Name);
        }
    }

    private bool TryDisplace(int own, out AdmissionTicket? displaced)
    {
        while (Greediest(own) is { } greediest)
        {
            displaced = greediest.LastWaiting()!;
            if (displaced.TryDisplace())
            {
                displaced.Refusal = new EngineException(EngineError.QueueFull, DisplacedBecause(greediest));
                Remove(displaced);
                return true;
            }
        }

        displaced = null;
        return false;
    }

    private string DisplacedBecause(ClientPlaces holder)
    {
        string who = holder.Name is null ? "requests without a client's name hold" : $"client {holder.Name} holds";
        return $"the queue is full, and {who} {holder.Tickets.Count} of its {most} places, more than any other: the youngest that waits gave way to a client "
            + "that holds less; send fewer at a time, or try again later";
    }

    /// <summary>
    /// The client that holds most of those that have a request to give away. One place fewer must still leave it as many as the newcomer's client then
    /// has: otherwise two clients would take each other's place in turns.
    /// </summary>
    private ClientPlaces? Greediest(int own)
    {
        var greediest = CouldGive(_unnamed, own, null);
        foreach (var client in _byName.Values)
        {
            greediest = CouldGive(client, own, greediest);
        }

        return greediest;
    }

    private static ClientPlaces? CouldGive(ClientPlaces client, int own, ClientPlaces? greediest) =>
        client.Tickets.Count >= own + 2 && client.Tickets.Count > (greediest?.Tickets.Count ?? 0) && client.LastWaiting() is not null ? client : greediest;

    private ClientPlaces? Find(string? client) => client is null ? _unnamed : _byName.GetValueOrDefault(client);
}
