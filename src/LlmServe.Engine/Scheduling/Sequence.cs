using System.Diagnostics;
using LlmServe.Engine.Planning;
using LlmServe.Engine.Sampling;
using LlmServe.Engine.Speculation;
using LlmServe.Engine.Streams;
using LlmServe.Text;

namespace LlmServe.Engine.Scheduling;

/// <summary>One request on its way: its tokens, how far the KV cache has them, and its stream. Belongs to the engine's thread, except where noted.</summary>
internal sealed class Sequence
{
    private const int Waits = 0;
    private const int Runs = 1;
    private const int Ended = 2;

    private volatile bool _cancelRequested;
    private int _phase; // Waits until it first runs; from then on the engine's thread alone ends it

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
        Plan = new SamplingPlan(request.Sampling);
        Text = new AnswerText(tokenizer, request.SpecialTokensInText, request.Stop);
        Stream = stream;
        Tokens = prompt;
        PromptLength = prompt.Length;
        Length = prompt.Length;
        Limit = limit;
        Submitted = Stopwatch.GetTimestamp();
    }

    public long Arrival { get; }

    /// <summary>Its place in the engine; null: it runs in a loop without one.</summary>
    public AdmissionTicket? Ticket { get; init; }

    /// <summary>What its client has of the engine; set while the loop has the sequence.</summary>
    public ClientShare Share { get; set; } = null!;

    /// <summary>Whether the loop has the sequence.</summary>
    public bool IsIn { get; set; }

    public GenerationRequest Request { get; }

    /// <summary>Whose request it is; null: of requests without a name.</summary>
    public string? Client => Ticket is null ? Request.Client : Ticket.Client;

    /// <summary>How urgent it is.</summary>
    public int Priority => Ticket?.Priority ?? Request.Priority;

    public SamplingPlan Plan { get; }

    public AnswerText Text { get; }

    public UpdateStream Stream { get; }

    /// <summary>Prompt and answer; the first <see cref="Length"/> entries count. Grown to <see cref="Limit"/> when the sequence first runs.</summary>
    public int[] Tokens { get; private set; }

    public int PromptLength { get; }

    /// <summary>Tokens known so far.</summary>
    public int Length { get; private set; }

    /// <summary>Most tokens of prompt and answer.</summary>
    public int Limit { get; }

    /// <summary>Positions whose keys and values are in the cache.</summary>
    public int Computed { get; set; }

    /// <summary>Tokens that the model has not read yet.</summary>
    public int Pending => Length - Computed;

    /// <summary>Whether only the newest token of the answer is missing from the cache; otherwise a prompt (or a preempted sequence) is being read.</summary>
    public bool IsDecoding => Pending == 1 && Length > PromptLength;

    /// <summary>Prompt rows that shorter prompts of its client were given in its place and that it has not got back; see <see cref="FairOrder.Overtaken"/>.</summary>
    public int Overtaken { get; set; }

    /// <summary>Row-table slot while running, else −1.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Whether the client has too much unread; looked up once per tick.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Rows of the sequence in the current tick.</summary>
    public int TickRows { get; set; }

    /// <summary>First logits row of the sequence in the current tick; −1: none.</summary>
    public int TickLogits { get; set; }

    /// <summary>Guessed tokens among <see cref="TickRows"/>; they stand in <see cref="Tokens"/> behind the known ones.</summary>
    public int TickGuesses { get; set; }

    /// <summary>Tokens that the current tick gave; they stand in <see cref="Tokens"/> behind the known ones until they are accepted.</summary>
    public int TickChosen { get; set; }

    /// <summary>What is known about guessing its tokens ahead; null: not tried yet.</summary>
    public SequenceGuesses? Guesses { get; set; }

    /// <summary>Positions of the prompt that were found in the prefix cache when the sequence first ran.</summary>
    public int CachedPrompt { get; set; }

    /// <summary>When the request was submitted (Stopwatch ticks).</summary>
    public long Submitted { get; }

    /// <summary>When its first prompt row ran; 0: not yet.</summary>
    public long Started { get; set; }

    /// <summary>When its first token was chosen; 0: not yet.</summary>
    public long FirstToken { get; set; }

    /// <summary>When it last sent an update; 0: not yet.</summary>
    public long LastSent { get; set; }

    /// <summary>Why it ended; none while it runs or waits.</summary>
    public FinishReason Finish { get; set; }

    /// <summary>Its trace, if anybody listens.</summary>
    public Activity? Activity { get; set; }

    /// <summary>What was predicted for it when it came; null: nothing.</summary>
    public ForecastTimes? Predicted { get; set; }

    /// <summary>Undoes the cancellation callback.</summary>
    public CancellationTokenRegistration Cancellation { get; set; }

    /// <summary>Why no token can follow those that were chosen; null: one can.</summary>
    public EngineException? Fault { get; set; }

    /// <summary>Whether the client cancelled. Written by any thread.</summary>
    public bool CancelRequested => _cancelRequested;

    /// <summary>Whether it has not begun to run. Any thread.</summary>
    public bool IsWaiting => Volatile.Read(ref _phase) == Waits;

    /// <summary>Whether somebody ends it or has ended it. Any thread.</summary>
    public bool HasEnded => Volatile.Read(ref _phase) == Ended;

    /// <summary>Asks the engine to end the sequence. Any thread.</summary>
    public void RequestCancel() => _cancelRequested = true;

    /// <summary>The sequence begins to run, or goes on after it was preempted. False when it has ended meanwhile.</summary>
    public bool TryRun() => Interlocked.CompareExchange(ref _phase, Runs, Waits) != Ended;

    /// <summary>True for the one that may end the sequence, which has not begun to run. Any thread.</summary>
    public bool TryEndWaiting() => Interlocked.CompareExchange(ref _phase, Ended, Waits) == Waits;

    /// <summary>True for the one that may end the sequence, in whatever phase it is. [engine's thread]</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _phase, Ended) != Ended;

    /// <summary>Makes room for the whole answer, so that no later tick has to.</summary>
    public void Reserve()
    {
        if (Tokens.Length < Limit)
        {
            var tokens = new int[Limit];
            Tokens.AsSpan(0, Length).CopyTo(tokens);
            Tokens = tokens;
        }
    }

    /// <summary>Takes the next chosen token into the answer.</summary>
    public int Accept()
    {
        TickChosen--;
        return Tokens[Length++];
    }
}
