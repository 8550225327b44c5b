using LlmServe.Engine.Memory.Store;
using LlmServe.Engine.Sampling;
using LlmServe.Engine.Speculation;
using LlmServe.Engine.Streams;
using LlmServe.Text;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// One request on its way. Belongs to the engine's thread, except for <see cref="Life"/>. What the machine remembers of it is kept by slot
/// (<see cref="Execution.ISequenceState"/>); the sequence only knows which slot it has, and how far its tokens are computed.
/// </summary>
internal sealed class Sequence : IQueued
{
    /// <summary>Most tokens that are read in a tick of a decoding sequence; a longer stretch is read like a prompt.</summary>
    public const int MostForwarded = 16;

    /// <summary>What it has of the current tick.</summary>
    public TickShare Tick;

    /// <param name="arrival">Order of arrival; lower is older.</param>
    /// <param name="request">A validated request.</param>
    /// <param name="prompt">Its prompt.</param>
    /// <param name="limit">Most tokens of prompt and answer.</param>
    /// <param name="tokenizer">Turns the answer into text.</param>
    /// <param name="stream">The way to the client.</param>
    public Sequence(long arrival, GenerationRequest request, int[] prompt, int limit, ITokenizer tokenizer, UpdateStream stream)
    {
        Arrival = arrival;
        Request = request;
        Sampling = new SamplingParameters(request.Sampling, tokenizer);
        Text = new AnswerText(tokenizer, request.SpecialTokensInText, request.Stop);
        Stream = stream;
        Tokens = new TokenBuffer(prompt, limit);
        Constraint = request.Constraint is null ? null : new SequenceConstraint(request.Constraint);
    }

    /// <inheritdoc/>
    public long Arrival { get; }

    /// <summary>What is asked for.</summary>
    public GenerationRequest Request { get; }

    /// <summary>Its place in the engine; null: it runs in a loop without one.</summary>
    public AdmissionTicket? Ticket { get; init; }

    /// <summary>Whose request it is; null: of requests without a name.</summary>
    public string? Client => Ticket is null ? Request.Client : Ticket.Client;

    /// <inheritdoc/>
    public int Priority => Ticket?.Priority ?? Request.Priority;

    /// <summary>How its tokens are chosen.</summary>
    public SamplingParameters Sampling { get; }

    /// <summary>Prompt and answer.</summary>
    public TokenBuffer Tokens { get; }

    /// <summary>What the answer's text must be like; null: anything.</summary>
    public SequenceConstraint? Constraint { get; }

    /// <summary>The text of the answer.</summary>
    public AnswerText Text { get; }

    /// <summary>The way to the client.</summary>
    public UpdateStream Stream { get; }

    /// <summary>Who may end it.</summary>
    public RequestLife Life { get; } = new();

    /// <summary>What is written down about it.</summary>
    public RequestRecord Record { get; } = new();

    /// <summary>What its client has of the engine; set while the loop has the sequence.</summary>
    public ClientShare Share { get; set; } = null!;

    /// <summary>Whether the loop has the sequence.</summary>
    public bool IsIn { get; set; }

    /// <summary>Row-table slot while running, else −1.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Positions that are computed and final.</summary>
    public int Computed { get; set; }

    /// <inheritdoc/>
    public int Pending => Tokens.Length - Computed;

    /// <summary>
    /// Whether only the newest token of the answer is missing from the cache, and those before it that a constraint made certain; otherwise a prompt (or a
    /// preempted sequence) is being read.
    /// </summary>
    public bool IsDecoding => Tokens.AnswerLength > 0 && (Pending == 1 || (IsForwarded && Pending <= MostForwarded));

    /// <summary>Whether all tokens that are not read were taken since the last tick, without ticks of their own.</summary>
    public bool IsForwarded { get; set; }

    /// <inheritdoc/>
    public int RowsOwed { get; set; }

    /// <summary>Whether the client has too much unread; looked up once per tick.</summary>
    public bool IsPaused { get; set; }

    /// <summary>A prefix of it on its way from disk; null: there is none, or it is here.</summary>
    public StoredPrefix? Stored { get; set; }

    /// <summary>Whether blocks come from disk, so that nothing is computed until they are here.</summary>
    public bool IsImporting { get; set; }

    /// <summary>Whether some of the blocks are here already.</summary>
    public bool HasBegunImport { get; set; }

    /// <summary>Position at which its next chunk has to end, whatever for.</summary>
    public int CutAt { get; set; } = int.MaxValue;

    /// <summary>One whose client does not read was preempted and asks for nothing now.</summary>
    public bool MayEnter => Slot < 0 && !IsPaused && !Life.HasEnded && Share.MayRun;

    /// <inheritdoc/>
    public bool MayRead => !IsImporting && !IsDecoding && !IsPaused && Tick.Rows == 0;

    /// <summary>What is known about drafting its tokens; of the slot that it has. Null: nobody drafts.</summary>
    public SequenceDrafts? Drafts { get; set; }

    /// <summary>Position at which its state is to be kept while it reads; where positions need no state, none.</summary>
    public int SnapshotAt { get; set; } = int.MaxValue;

    /// <summary>No more blocks come from disk.</summary>
    public void DropStored()
    {
        Stored?.Dispose();
        Stored = null;
        IsImporting = false;
        HasBegunImport = false;
        CutAt = int.MaxValue;
    }

    /// <summary>Why no token can follow those that were chosen; null: one can.</summary>
    public EngineException? Fault { get; set; }
}
