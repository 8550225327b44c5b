namespace LlmServe.Engine.Planning;

/// <summary>What a sequence still asks for, for predictions.</summary>
internal struct SequenceLoad
{
    /// <summary>Whether it holds a slot; otherwise it waits for one.</summary>
    public bool Running;

    /// <summary>Whether its first row has run, so that it no longer waits in the sense of <see cref="RequestPlan.Wait"/>.</summary>
    public bool Started;

    /// <summary>Whether its prompt was read to the end in the current leap of a forecast.</summary>
    public bool JustRead;

    /// <summary>Rows to read before the next token; 0: decoding.</summary>
    public int Rows;

    /// <summary>Tokens that it is expected to write.</summary>
    public int Tokens;

    /// <summary>Positions in the cache.</summary>
    public int Positions;

    /// <summary><see cref="Scheduling.Sequence.Overtaken"/>.</summary>
    public int Overtaken;

    /// <summary>Order of arrival.</summary>
    public long Arrival;

    /// <summary>Its priority.</summary>
    public int Priority;

    /// <summary>Index of its client's load.</summary>
    public int Client;
}

/// <summary>What a client has, for predictions.</summary>
internal struct ClientLoad
{
    /// <summary>Its name; null: requests without one.</summary>
    public string? Name;

    /// <summary>Its running sequences.</summary>
    public int Running;

    /// <summary>Most of them.</summary>
    public int MostRunning;

    /// <summary>Prompt rows that it was given.</summary>
    public long Rows;
}

/// <summary>All that a forecast starts from; the last sequence is the one to follow.</summary>
internal readonly record struct Load(SequenceLoad[] Sequences, ClientLoad[] Clients);

/// <summary>When the request of a forecast gets where, in seconds from now.</summary>
/// <param name="Wait">Its first row runs.</param>
/// <param name="FirstToken">Its first token is there.</param>
/// <param name="End">Its last token is there.</param>
/// <param name="TokensPerSecond">Speed in between.</param>
internal readonly record struct ForecastTimes(double Wait, double FirstToken, double End, double TokensPerSecond)
{
    /// <summary>The same when a share of its prompt need not be read.</summary>
    public ForecastTimes WithCached(double share)
    {
        double saved = (FirstToken - Wait) * share;
        return this with { FirstToken = FirstToken - saved, End = End - saved };
    }
}
