namespace LlmServe.Engine;

/// <summary>The places of one client.</summary>
/// <param name="name">Its name; null: requests without one.</param>
internal sealed class ClientPlaces(string? name)
{
    public string? Name { get; } = name;

    /// <summary>Oldest first.</summary>
    public List<AdmissionTicket> Tickets { get; } = [];

    /// <summary>What it can do without: of its requests of the lowest priority that have not begun, the youngest; null: all have.</summary>
    public AdmissionTicket? LastWaiting()
    {
        AdmissionTicket? last = null;
        for (int i = Tickets.Count - 1; i >= 0; i--)
        {
            if (Tickets[i].IsWaiting && (last is null || Tickets[i].Priority < last.Priority))
            {
                last = Tickets[i];
            }
        }

        return last;
    }
}
