namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Who comes first: the scheduler asks, and so do forecasts. Higher priority, then the client that has less, then the older request. Every
/// <see cref="OldestTurn"/>th decision goes to the oldest request whatever its priority and client, so that none starves: it becomes the oldest in the end.
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

    /// <summary>No place.</summary>
    public const int None = -1;

    /// <summary>Whether the decision after so many others goes to the oldest.</summary>
    public static bool IsTurnOfTheOldest(long decisions) => decisions % OldestTurn == OldestTurn - 1;

    /// <summary>Who is let in next: fewer running sequences of its client, then fewer prompt rows count as less.</summary>
    /// <param name="queue">Sequences in any order.</param>
    /// <param name="oldest">Whether it is the oldest's turn.</param>
    /// <returns>Its place in the queue; <see cref="None"/>: nobody could be.</returns>
    public static int NextToEnter<T>(ReadOnlySpan<T> queue, bool oldest)
        where T : IQueued
    {
        int next = None;
        for (int i = 0; i < queue.Length; i++)
        {
            if (queue[i].MayEnter && (next < 0 || (oldest ? queue[i].Arrival < queue[next].Arrival : EntersBefore(queue[i], queue[next]))))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary>The oldest prompt of the client whose turn it is.</summary>
    /// <param name="queue">Sequences in any order.</param>
    /// <param name="ofAll">Whether it is the turn of the oldest of all clients.</param>
    /// <returns>Its place in the queue; <see cref="None"/>: there is no prompt to be read.</returns>
    public static int OldestPrompt<T>(ReadOnlySpan<T> queue, bool ofAll)
        where T : IQueued
    {
        int next = None;
        for (int i = 0; i < queue.Length; i++)
        {
            if (queue[i].MayRead && (next < 0 || (ofAll ? queue[i].Arrival < queue[next].Arrival : ReadsBefore(queue[i], queue[next]))))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary>The prompt that is read next: a client's shortest in place of its oldest, unless others were ahead of the oldest long enough.</summary>
    /// <param name="queue">Sequences in any order.</param>
    /// <param name="oldest">Place of the client's oldest prompt.</param>
    public static int NextPrompt<T>(ReadOnlySpan<T> queue, int oldest)
        where T : IQueued =>
        queue[oldest].RowsOwed > 0 ? oldest : ShortestPrompt(queue, oldest);

    /// <summary>The prompt of the same client and priority with the fewest tokens left; of equals the oldest.</summary>
    /// <param name="queue">Sequences in any order.</param>
    /// <param name="oldest">Place of the client's oldest prompt.</param>
    public static int ShortestPrompt<T>(ReadOnlySpan<T> queue, int oldest)
        where T : IQueued
    {
        int next = oldest;
        for (int i = 0; i < queue.Length; i++)
        {
            if (queue[i].MayRead && queue[i].Share == queue[oldest].Share && queue[i].Priority == queue[oldest].Priority && IsShorter(queue[i], queue[next]))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary>Writes down that a prompt was given rows.</summary>
    /// <param name="queue">Sequences in any order.</param>
    /// <param name="oldest">Place of its client's oldest prompt.</param>
    /// <param name="prompt">Its own place.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="turn">Rows that the oldest can be ahead by: what it read while it was alone is no reason to wait longer.</param>
    public static void Give<T>(Span<T> queue, int oldest, int prompt, int rows, int turn)
        where T : IQueued
    {
        queue[prompt].Share.Rows += rows;
        int owed = queue[oldest].RowsOwed;
        queue[oldest].RowsOwed = prompt == oldest ? Math.Max(owed - rows, -turn) : owed + rows;
    }

    /// <summary>Blocks that stay back when a sequence is let in, so that it is not thrown out again at once: one for each that runs.</summary>
    public static int BlocksToSpare(int running) => running;

    /// <summary>Whether <paramref name="a"/> loses its blocks before <paramref name="b"/>: lower priority, then younger.</summary>
    public static bool LeavesBefore<T>(T a, T b)
        where T : IQueued =>
        a.Priority == b.Priority ? a.Arrival > b.Arrival : a.Priority < b.Priority;

    private static bool EntersBefore<T>(in T a, in T b)
        where T : IQueued
    {
        if (a.Priority != b.Priority)
        {
            return a.Priority > b.Priority;
        }

        return a.Share == b.Share || a.Share.Running == b.Share.Running ? ReadsBefore(a, b) : a.Share.Running < b.Share.Running;
    }

    private static bool ReadsBefore<T>(in T a, in T b)
        where T : IQueued
    {
        if (a.Priority != b.Priority)
        {
            return a.Priority > b.Priority;
        }

        return a.Share == b.Share || a.Share.Rows == b.Share.Rows ? a.Arrival < b.Arrival : a.Share.Rows < b.Share.Rows;
    }

    private static bool IsShorter<T>(in T a, in T b)
        where T : IQueued =>
        a.Pending < b.Pending || (a.Pending == b.Pending && a.Arrival < b.Arrival);
}
