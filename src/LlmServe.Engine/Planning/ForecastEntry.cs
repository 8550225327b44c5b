using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Planning;

/// <summary>What a sequence still asks for, in a forecast.</summary>
internal struct ForecastEntry : IQueued
{
    /// <summary>Whether it holds a slot; otherwise it waits for one.</summary>
    public bool Running;

    /// <summary>Whether its first row has run, so that it no longer waits in the sense of <see cref="RequestPlan.Wait"/>.</summary>
    public bool Started;

    /// <summary>Rows to read before the next token; 0: decoding.</summary>
    public int Rows;

    /// <summary>Tokens that it is expected to write.</summary>
    public int Tokens;

    /// <summary>Positions in the cache.</summary>
    public int Positions;

    /// <summary>Number of its client on the board.</summary>
    public int Client;

    /// <inheritdoc/>
    public long Arrival { get; set; }

    /// <inheritdoc/>
    public int Priority { get; set; }

    /// <inheritdoc/>
    public ClientShare Share { get; set; }

    /// <inheritdoc/>
    public int RowsOwed { get; set; }

    /// <inheritdoc/>
    public readonly int Pending => Rows;

    /// <inheritdoc/>
    public readonly bool MayEnter => !Running && Tokens > 0 && Share.MayRun;

    /// <inheritdoc/>
    public readonly bool MayRead => Running && Rows > 0;

    /// <summary>Whether it writes its answer.</summary>
    public readonly bool IsDecoding => Running && Rows == 0 && Tokens > 0;
}
