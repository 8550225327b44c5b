namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Who comes first. Higher priority, then the client that has less, then the older request. Every <see cref="OldestTurn"/>th decision goes to the oldest
/// request whatever its priority and client, so that none starves: it becomes the oldest in the end.
/// <para>
/// Among the prompts of one client and priority, the one with the fewest tokens left to read may overtake the oldest, so that a short prompt need not wait
/// for a long one of its neighbours behind the same address. They take turns by rows: what overtook the oldest it gets back before it is overtaken again.
/// So the oldest has at least half of what its client is given, less one turn, however many short prompts follow; and a prompt that is the shortest
/// until it is read needs about twice its own time.
/// </para>
/// </summary>
internal static class FairOrder
{
    /// <summary>Every how many decisions the oldest comes first.</summary>
    public const int OldestTurn = 8;

    /// <summary>Whether <paramref name="a"/> is let in before <paramref name="b"/>: fewer running sequences, then fewer prompt rows count as less.</summary>
    public static bool EntersBefore(Sequence a, Sequence b)
    {
        if (a.Priority != b.Priority)
        {
            return a.Priority > b.Priority;
        }

        return a.Share == b.Share || a.Share.Running == b.Share.Running ? ReadsBefore(a, b) : a.Share.Running < b.Share.Running;
    }

    /// <summary>Whether the prompt of <paramref name="a"/> is read before that of <paramref name="b"/>: fewer prompt rows count as less.</summary>
    public static bool ReadsBefore(Sequence a, Sequence b)
    {
        if (a.Priority != b.Priority)
        {
            return a.Priority > b.Priority;
        }

        return a.Share == b.Share || a.Share.Rows == b.Share.Rows ? a.Arrival < b.Arrival : a.Share.Rows < b.Share.Rows;
    }

    /// <summary>Whether <paramref name="a"/>, of the same client and priority as the older <paramref name="b"/>, has fewer tokens left to read.</summary>
    public static bool Overtakes(Sequence a, Sequence b) =>
        a.Share == b.Share && a.Priority == b.Priority && a.Pending < b.Pending;

    /// <summary>
    /// The rows by which a client's oldest prompt is overtaken, after it or one that overtakes it was given more. Up to 0 it may be overtaken. Below 0 it is
    /// ahead, by its last turn at most: what it read while it was alone is no reason to wait.
    /// </summary>
    /// <param name="overtaken">The rows before.</param>
    /// <param name="rows">Rows that were given.</param>
    /// <param name="own">Whether the oldest prompt itself was given them.</param>
    public static int Overtaken(int overtaken, int rows, bool own) => own ? Math.Max(overtaken - rows, -rows) : overtaken + rows;

    /// <summary>Whether <paramref name="a"/> loses its blocks before <paramref name="b"/>: lower priority, then younger.</summary>
    public static bool LeavesBefore(Sequence a, Sequence b) =>
        a.Priority == b.Priority ? a.Arrival > b.Arrival : a.Priority < b.Priority;
}
