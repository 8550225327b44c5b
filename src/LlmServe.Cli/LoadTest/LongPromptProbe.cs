using System.Diagnostics;
using LlmServe.Client;

namespace LlmServe.Cli.LoadTest;

/// <summary>What a long prompt in the middle of the load has shown.</summary>
/// <param name="Tokens">Its length.</param>
/// <param name="AloneSeconds">Time to its first token on a server that does nothing else.</param>
/// <param name="LoadedSeconds">Time to its first token under load.</param>
/// <param name="StreamsBeside">Streams that were open when it was sent.</param>
internal sealed record LongPromptResult(int Tokens, double AloneSeconds, double LoadedSeconds, int StreamsBeside)
{
    /// <summary>Tokens per second on a server that does nothing else.</summary>
    public double AloneRate => Tokens / AloneSeconds;

    /// <summary>Tokens per second under load.</summary>
    public double LoadedRate => Tokens / LoadedSeconds;
}

/// <summary>Sends one long prompt once before the load and once in its middle.</summary>
/// <param name="client">The server.</param>
/// <param name="factory">Makes the prompts.</param>
/// <param name="tokens">Length of the prompt.</param>
internal sealed class LongPromptProbe(LlmServeClient client, RequestFactory factory, int tokens)
{
    private const int WarmUp = -2;
    private const int Alone = -3;
    private const int Loaded = -4;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    private double _alone;

    /// <summary>Whether the prompt under load has been answered.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Measures it on the idle server, after one that warms up.</summary>
    public async Task MeasureAloneAsync(CancellationToken cancellation)
    {
        await TimeAsync(WarmUp, cancellation);
        _alone = await TimeAsync(Alone, cancellation);
    }

    /// <summary>Waits until half of the load is done and its streams decode, then sends the prompt.</summary>
    /// <param name="load">The load.</param>
    /// <param name="statistics">Its window is open as long as the prompt is read.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<LongPromptResult> MeasureLoadedAsync(LoadRunner load, LoadStatistics statistics, CancellationToken cancellation)
    {
        try
        {
            while (load.Share < 0.5)
            {
                await Task.Delay(LookAgain, cancellation);
            }

            int beside = statistics.Open;
            statistics.OpenWindow();
            double seconds = await TimeAsync(Loaded, cancellation);
            statistics.CloseWindow();
            return new LongPromptResult(tokens, _alone, seconds, beside);
        }
        finally
        {
            IsDone = true;
        }
    }

    /// <summary>Seconds to the first token.</summary>
    private async Task<double> TimeAsync(long number, CancellationToken cancellation)
    {
        var request = LoadClient.ToProto(factory.CreateSpecial(number, tokens, 1));
        long start = Stopwatch.GetTimestamp();
        double seconds = double.NaN;
        await foreach (var delta in client.GenerateAsync(request, cancellation))
        {
            seconds = double.IsNaN(seconds) && delta.TokenIds.Count > 0 ? Stopwatch.GetElapsedTime(start).TotalSeconds : seconds;
        }

        return seconds;
    }
}
