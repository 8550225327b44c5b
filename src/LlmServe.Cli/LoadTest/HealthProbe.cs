using System.Diagnostics;
using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Client;

namespace LlmServe.Cli.LoadTest;

/// <summary>Asks for the server's health again and again, as a supervisor does, over a connection of its own.</summary>
internal sealed class HealthProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>From sending a probe to its answer.</summary>
    public LatencyHistogram Times { get; } = new();

    /// <summary>Probes that failed or said that the server does not serve.</summary>
    public long Failures { get; private set; }

    /// <summary>Probes until <paramref name="stop"/> is cancelled; the last probe is waited for.</summary>
    /// <param name="target">The server.</param>
    /// <param name="stop">The load has ended.</param>
    /// <param name="cancellation">Ends the whole test, also a probe that nobody answers.</param>
    public async Task RunAsync(LoadTarget target, CancellationToken stop, CancellationToken cancellation)
    {
        using var client = target.Connect();
        await AskAsync(client, cancellation); // connects; a supervisor has its connection already
        using var timer = new PeriodicTimer(Interval);
        while (!stop.IsCancellationRequested)
        {
            long sent = Stopwatch.GetTimestamp();
            bool serving = await AskAsync(client, cancellation);
            Times.Add(Stopwatch.GetElapsedTime(sent).TotalSeconds);
            Failures += serving ? 0 : 1;
            await ((Task)timer.WaitForNextTickAsync(stop).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<bool> AskAsync(LlmServeClient client, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(LoadClient.Patience);
        try
        {
            return await client.CheckHealthAsync(cancellationToken: patience.Token) == HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException)
        {
            return false;
        }
    }
}
