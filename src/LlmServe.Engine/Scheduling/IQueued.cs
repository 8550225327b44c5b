namespace LlmServe.Engine.Scheduling;

/// <summary>What <see cref="FairOrder"/> looks at: a sequence of the scheduler's, or one that a forecast plays with.</summary>
internal interface IQueued
{
    /// <summary>Order of arrival; lower is older.</summary>
    long Arrival { get; }

    /// <summary>How urgent it is; more comes first.</summary>
    int Priority { get; }

    /// <summary>What its client has.</summary>
    ClientShare Share { get; }

    /// <summary>Tokens that the model has not read yet.</summary>
    int Pending { get; }

    /// <summary>Prompt rows that shorter prompts of its client were given in its place and that it has not got back. Below 0: it is ahead.</summary>
    int RowsOwed { get; set; }

    /// <summary>Whether it waits and could be let in.</summary>
    bool MayEnter { get; }

    /// <summary>Whether it has a prompt to be read and no rows in the tick that is being filled.</summary>
    bool MayRead { get; }
}
