using LlmServe.Engine.Planning;

namespace LlmServe.Engine;

/// <content>What a request would get.</content>
public sealed partial class LlmEngine
{
    /// <summary>
    /// What a request would get if it came now. Cheap (some microseconds, and at most a few hundred with hundreds waiting), except that the first call
    /// measures the machine where <see cref="EngineOptions.MeasureFirst"/> did not.
    /// </summary>
    /// <remarks>
    /// The scheduler is played ahead over the compiled costs. Answers that only their limit ends count in full, others with the mean length of those
    /// before. Alone or in a steady load the times are as good as the cost model (a tenth or so); with a full queue they are an estimate: answers that
    /// end early make it shorter, later arrivals of a higher priority, preemption and clients that do not read make it longer. Prefixes that are
    /// cached and guesses that turn out right are not counted on.
    /// </remarks>
    /// <param name="promptTokens">Tokens of the prompt, at least 1.</param>
    /// <param name="maxTokens">Most tokens of the answer, at least 1, counted in full; null: as long as answers are on average.</param>
    /// <param name="client">Who would ask (<see cref="GenerationRequest.Client"/>).</param>
    /// <param name="priority">How urgently (<see cref="GenerationRequest.Priority"/>).</param>
    /// <exception cref="EngineException">A number is out of range (<see cref="EngineError.InvalidArgument"/>), or the engine has failed.</exception>
    public RequestPlan Plan(int promptTokens, int? maxTokens = null, string? client = null, int priority = 0)
    {
        RequestValidator.CheckPlan(promptTokens, maxTokens, client, priority);
        string? refusal = promptTokens < ContextLength
            ? null
            : $"a prompt of {promptTokens} tokens is too long: the context holds {ContextLength} tokens including at least one of the answer";
        if (!_measured.Task.IsCompleted)
        {
            _measurementWanted = true;
            Wake();
            Task.WaitAny(_measured.Task, _over.Task);
        }

        Workload work;
        int running;
        int waiting;
        lock (_lock)
        {
            var refused = Refusal(client);
            if (refused is { Error: EngineError.Failed })
            {
                throw refused;
            }

            refusal ??= refused?.Message;
            running = _loop.Running;
            waiting = Math.Max(0, _places.Total - running);
            int room = (int)Math.Min(maxTokens ?? ContextLength, (long)ContextLength - promptTokens);
            int tokens = _board.Lengths.Expect(room, toTheLimit: maxTokens is not null);
            work = _board.CopyWith(_taken, _incoming, WorkBoard.NewEntry(promptTokens, tokens, priority), client);
        }

        if (refusal is not null)
        {
            return new RequestPlan(false, refusal, TimeSpan.Zero, TimeSpan.Zero, 0, TimeSpan.Zero, running, waiting);
        }

        var times = _board.Run(work);
        var ranges = RangesOf(times);
        return new RequestPlan(
            true, null, TimeSpan.FromSeconds(times.Wait), TimeSpan.FromSeconds(times.FirstToken), times.TokensPerSecond, TimeSpan.FromSeconds(times.End),
            running, waiting)
        {
            TimeToFirstTokenRange = ranges.FirstToken, TokensPerSecondRange = ranges.TokensPerSecond,
        };
    }

    /// <summary>What a request would get if it came now: its size is planned, and all else in it is checked as <see cref="Submit"/> does.</summary>
    /// <exception cref="EngineException">As <see cref="Submit"/> throws for what is wrong in the request itself; a prompt that is too long is refused.</exception>
    public RequestPlan Plan(GenerationRequest request)
    {
        if (request.Prompt.Count < ContextLength)
        {
            RequestValidator.Check(request, Model.VocabularySize, Tokenizer.VocabularySize, ContextLength);
        }

        return Plan(request.Prompt.Count, request.MaxTokens, request.Client, request.Priority);
    }
}
