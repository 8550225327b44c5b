namespace LlmServe.Engine.Scheduling;

/// <summary>What one client has of the engine at present.</summary>
/// <param name="name">Its name; null: requests without one.</param>
/// <param name="mostRunning">Most sequences of it that may run at once.</param>
internal sealed class ClientShare(string? name, int mostRunning)
{
    public string? Name { get; } = name;

    /// <summary>Sequences of it that run or wait.</summary>
    public int Live { get; set; }

    /// <summary>Sequences of it that run.</summary>
    public int Running { get; set; }

    /// <summary>Prompt rows that it was given while it was here, and before that as many as the client that had the fewest.</summary>
    public long Rows { get; set; }

    /// <summary>Place among the present clients.</summary>
    public int Index { get; set; }

    /// <summary>Most sequences of it that may run at once.</summary>
    public int MostRunning { get; } = mostRunning;

    /// <summary>Whether another of its sequences may run.</summary>
    public bool MayRun => Running < MostRunning;
}
