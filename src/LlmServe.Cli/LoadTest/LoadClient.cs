using System.Diagnostics;
using Grpc.Core;
using LlmServe.Cli.App;
using LlmServe.Client;
using LlmServe.V1;

namespace LlmServe.Cli.LoadTest;

/// <summary>Sends requests one after the other over a connection of its own, and reads their streams as each request says.</summary>
internal sealed class LoadClient : IDisposable
{
    /// <summary>A stream without a message for this long counts as stuck, a health probe without an answer as failed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(100);

    /// <summary>Alternatives that a slow reader asks for: they make its messages so large that no buffer on the way hides that it does not read.</summary>
    private const int SlowReadersAlternatives = 20;

    private readonly LoadTarget _target;
    private readonly LoadStatistics _statistics;
    private readonly AnswerStore? _answers;
    private LlmServeClient? _client;

    /// <param name="target">The server.</param>
    /// <param name="statistics">Told what happens.</param>
    /// <param name="answers">Given finished answers; null: nobody wants them.</param>
    public LoadClient(LoadTarget target, LoadStatistics statistics, AnswerStore? answers)
    {
        _target = target;
        _statistics = statistics;
        _answers = answers;
    }

    /// <summary>A request in the API's words.</summary>
    public static GenerateRequest ToProto(LoadRequest request)
    {
        var options = new GenerationOptions { MaxTokens = request.OutputTokens, IgnoreEndOfGeneration = true };
        if (request.Reader == ReaderKind.Slow)
        {
            options.Logprobs = SlowReadersAlternatives;
        }

        var ids = new TokenIds();
        ids.Ids.AddRange(request.Prompt);
        return new GenerateRequest { TokenIds = ids, Options = options };
    }

    /// <summary>Runs one request to its end, whatever that is.</summary>
    /// <param name="request">What to send.</param>
    /// <param name="due">When it was to be sent (Stopwatch ticks): waiting for a free client is part of what its user feels.</param>
    /// <param name="cancellation">Ends the whole test.</param>
    /// <exception cref="OperationCanceledException">The test was ended.</exception>
    public async Task RunAsync(LoadRequest request, long due, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var reading = new Reading(request, due);
        _statistics.OnSent();
        try
        {
            if (request is { TurnAfter: 0, Reader: ReaderKind.Cancels or ReaderKind.Disconnects })
            {
                reading.Turn = TurnLaterAsync(reading, ending);
            }

            await ReadAsync(reading, ending);
            _statistics.OnEnded(Outcome.Done);
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            _statistics.OnEnded(reading.Ended, reading.Ended == Outcome.Failed ? Describe(error, ending) : null);
            if (reading.Ended == Outcome.Failed)
            {
                // A server that refuses at once is not to be flooded with the rest of the plan.
                await Task.Delay(AfterFailure, cancellation);
            }
        }
        finally
        {
            await ending.CancelAsync();
            await reading.Turn;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _client, null)?.Dispose();

    private async Task ReadAsync(Reading reading, CancellationTokenSource ending)
    {
        var request = reading.Request;
        var client = _client ??= _target.Connect(); // a disconnect may take the field away at any moment
        var watch = new CancellationTokenSource();
        await using var stuck = watch.Token.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), ending);
        using (watch)
        {
            watch.CancelAfter(Patience);
            await foreach (var delta in client.GenerateAsync(ToProto(request), ending.Token))
            {
                watch.CancelAfter(Patience);
                reading.Take(delta, _statistics, keep: _answers is not null);
                if (reading.Received > request.TurnAfter && !reading.Turned)
                {
                    await TurnAsync(reading, ending);
                }
            }
        }

        Finish(reading);
    }

    private void Finish(Reading reading)
    {
        if (reading.Received != reading.Request.OutputTokens)
        {
            throw new RpcException(new Status(
                StatusCode.DataLoss, $"a stream ended after {reading.Received} tokens where {reading.Request.OutputTokens} were asked for"));
        }

        _answers?.Offer(reading.Request.Number, reading.Tokens);
    }

    private async Task TurnLaterAsync(Reading reading, CancellationTokenSource ending)
    {
        await Task.Delay(reading.Request.Pause, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!ending.IsCancellationRequested)
        {
            await TurnAsync(reading, ending);
        }
    }

    /// <summary>The moment at which a client does what only some clients do.</summary>
    private async Task TurnAsync(Reading reading, CancellationTokenSource ending)
    {
        reading.Turned = true;
        switch (reading.Request.Reader)
        {
            case ReaderKind.Cancels:
                reading.Ended = Outcome.Cancelled;
                await ending.CancelAsync();
                break;
            case ReaderKind.Disconnects:
                reading.Ended = Outcome.Disconnected;
                Dispose();
                await ending.CancelAsync();
                break;
            case ReaderKind.Slow:
                await Task.Delay(reading.Request.Pause, ending.Token);
                break;
            default:
                break;
        }
    }

    private static string Describe(Exception error, CancellationTokenSource ending) => error switch
    {
        _ when ending.IsCancellationRequested => $"stuck: no message for {Patience.TotalSeconds:0} s",
        RpcException rpc => $"{rpc.StatusCode}: {ErrorReport.Reason(rpc.Status)}",
        _ => error.Message,
    };

    /// <summary>A stream on its way.</summary>
    private sealed class Reading(LoadRequest request, long due)
    {
        private long _last;

        public LoadRequest Request => request;

        public int Received { get; private set; }

        public List<int> Tokens { get; } = [];

        public bool Turned { get; set; }

        public Outcome Ended { get; set; } = Outcome.Failed;

        public Task Turn { get; set; } = Task.CompletedTask;

        public void Take(GenerationDelta delta, LoadStatistics statistics, bool keep)
        {
            if (delta.TokenIds.Count > 0)
            {
                long now = Stopwatch.GetTimestamp();
                statistics.OnTokens(due, _last, now, delta.TokenIds.Count, request.Reader != ReaderKind.Slow);
                _last = now;
                Received += delta.TokenIds.Count;
            }

            if (keep)
            {
                Tokens.AddRange(delta.TokenIds);
            }

            if (delta.Usage is { } usage)
            {
                statistics.OnUsage(usage.PromptTokens, usage.CachedPromptTokens, delta.Timings?.QueueSeconds ?? 0);
            }
        }
    }
}
