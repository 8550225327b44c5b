namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Who comes first. Higher priority, then the client that has less, then the older request. Every <see cref="OldestTurn"/>th decision goes to the oldest
/// request whatever its priority and client, so that none starves: it becomes the oldest in the end.
/// </summary>
internal static class FairOrder
{
    /// <summary>Every how many decisions the oldest comes first.</summary>
    public const int OldestTurn = 8;

    /// <summary>Whether <paramref name="a"/> is let in before <paramref name="b"/>: fewer running sequences, then fewer prompt rows count as less.</summary>
    public static bool EntersBefore(Sequence a, Sequence b)
    {
        if (a.Request.Priority != b.Request.Priority)
        {
            return a.Request.Priority > b.Request.Priority;
        }

        return a.Share == b.Share || a.Share.Running == b.Share.Running ? ReadsBefore(a, b) : a.Share.Running < b.Share.Running;
    }

    /// <summary>Whether the prompt of <paramref name="a"/> is read before that of <paramref name="b"/>: fewer prompt rows count as less.</summary>
    public static bool ReadsBefore(Sequence a, Sequence b)
    {
        if (a.Request.Priority != b.Request.Priority)
        {
            return a.Request.Priority > b.Request.Priority;
        }

        return a.Share == b.Share || a.Share.Rows == b.Share.Rows ? a.Arrival < b.Arrival : a.Share.Rows < b.Share.Rows;
    }

    /// <summary>Whether <paramref name="a"/> loses its blocks before <paramref name="b"/>: lower priority, then younger.</summary>
    public static bool LeavesBefore(Sequence a, Sequence b) =>
        a.Request.Priority == b.Request.Priority ? a.Arrival > b.Arrival : a.Request.Priority < b.Request.Priority;
}
