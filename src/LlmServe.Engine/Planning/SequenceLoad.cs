namespace LlmServe.Engine.Planning;

/// <summary>What a sequence still asks for, for predictions.</summary>
internal struct SequenceLoad
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

    /// <summary>Whether its prompt was read to the end in the current leap of a forecast.</summary>
    public bool JustRead;
}
