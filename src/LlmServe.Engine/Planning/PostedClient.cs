using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Planning;

/// <summary>What a client had when the board was posted: a copy, since the scheduler goes on while others read it.</summary>
/// <param name="Name">Its name; null: requests without one.</param>
/// <param name="MostRunning">Most sequences of it that may run.</param>
/// <param name="Running">Those that run.</param>
/// <param name="Rows">Prompt rows that it was given.</param>
internal readonly record struct PostedClient(string? Name, int MostRunning, int Running, long Rows)
{
    /// <summary>A share to play a forecast with.</summary>
    public ClientShare ToShare() => new(Name, MostRunning) { Running = Running, Rows = Rows };
}
