using Grpc.Core;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Terminal;
using LlmServe.Client;
using LlmServe.Server;
using LlmServe.V1;

namespace LlmServe.Cli.LoadTest;

/// <summary>One load test from the connection to the report.</summary>
/// <param name="services">Console, model loader, interrupts.</param>
/// <param name="plan">What to send.</param>
/// <param name="server">A running server; null: one in this process.</param>
/// <param name="local">How a server in this process runs.</param>
internal sealed class LoadTestSession(CliServices services, LoadTestPlan plan, LoadTarget? server, LocalServerSettings local)
{
    private const int WarmUp = -5;
    private const int WarmUpPrompt = 32;
    private const int WarmUpTokens = 8;
    private const int BaselineRequests = 4;

    /// <summary>Numbers of the baseline's requests, which no other request has.</summary>
    private const long FirstBaseline = 1L << 40;

    /// <summary>Runs the test.</summary>
    /// <exception cref="CliException">Nobody answers, or the plan does not fit into the model's context.</exception>
    public async Task<LoadTestReport> RunAsync(CancellationToken cancellation)
    {
        var answers = plan.Verify > 0 ? new AnswerStore(plan.Verify, plan.Seed) : null;
        LoadTestReport report;
        RequestFactory factory;
        await using (var own = await StartLocalAsync(cancellation))
        {
            var target = own is null ? server! : new LoadTarget(own.Address.ToString());
            using var client = target.Connect();
            (factory, string description) = await PrepareAsync(client, cancellation);
            report = await LoadAsync(client, target, own, factory, answers, cancellation) with { Server = own?.Model.Description ?? description };
            if (answers is not null && own is null)
            {
                report = report with { Check = await CheckAsync(client, factory, answers, cancellation) };
            }
        }

        if (answers is not null && server is null)
        {
            // A fresh server: nothing that the load left in its caches can hide a difference.
            await using var fresh = await StartLocalAsync(cancellation);
            using var client = new LlmServeClient(fresh!.Address);
            report = report with { Check = await CheckAsync(client, factory, answers, cancellation) };
        }

        return report;
    }

    private async Task<HostedServer?> StartLocalAsync(CancellationToken cancellation) => server is not null ? null
        : await HostedServer.StartAsync(
            local.Model, new ServerOptions { Port = 0, GracePeriod = TimeSpan.Zero }, local.Engine, loggers: null, services.Models,
            new ConsoleLoadWatcher(services.Console), cancellation);

    /// <summary>Asks what runs, checks that the plan fits, gets the ids of words, and lets one answer warm everything up.</summary>
    private async Task<(RequestFactory Factory, string Description)> PrepareAsync(LlmServeClient client, CancellationToken cancellation)
    {
        try
        {
            var served = await client.GetModelAsync(cancellationToken: cancellation);
            if (plan.LongestRequest > served.ContextLength)
            {
                throw new CliException(
                    $"the longest prompt and answer take {plan.LongestRequest} tokens, but {served.Id} holds {served.ContextLength}; "
                    + "lower --prompt-tokens, --output-tokens, --shared-prefix or --long-prompt", ExitCode.Usage);
            }

            var words = await client.TokenizeAsync(new TokenizeRequest { Text = WordList.Text, Options = new TokenizationOptions { AddSpecial = false } }, cancellation);
            var factory = new RequestFactory(plan, [.. words.TokenIds]);
            int most = Math.Max(1, Math.Min(WarmUpPrompt, served.ContextLength - WarmUpTokens));
            await foreach (var _ in client.GenerateAsync(LoadClient.ToProto(factory.CreateSpecial(WarmUp, most, WarmUpTokens)), cancellation))
            {
                // Only that it comes counts.
            }

            return (factory, $"{served.Id} at {ServerAddress.Show(client)}");
        }
        catch (RpcException error)
        {
            throw ServerAddress.Explain(error, client, cancellation);
        }
    }

    private async Task<LoadTestReport> LoadAsync(
        LlmServeClient client, LoadTarget target, HostedServer? own, RequestFactory factory, AnswerStore? answers, CancellationToken cancellation)
    {
        var baseline = plan.Baseline ? await BaselineAsync(target, factory, cancellation) : null;
        var probe = plan.LongPrompt > 0 ? new LongPromptProbe(client, factory, plan.LongPrompt) : null;
        if (probe is not null)
        {
            await probe.MeasureAloneAsync(cancellation);
        }

        var statistics = new LoadStatistics();
        var runner = new LoadRunner(plan, factory, target, statistics, answers) { GoOn = () => probe is { IsDone: false } };
        var health = plan.Health ? new HealthProbe() : null;
        var soak = plan.Soak && own is not null ? new SoakMonitor(own, statistics) : null;
        using var loadEnded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] watchers =
        [
            health?.RunAsync(target, loadEnded.Token, cancellation) ?? Task.CompletedTask,
            soak?.RunAsync(plan.Duration ?? TimeSpan.FromMinutes(1), loadEnded.Token) ?? Task.CompletedTask,
        ];
        var load = runner.RunAsync(cancellation);
        var longPrompt = probe?.MeasureLoadedAsync(runner, statistics, loadEnded.Token);
        try
        {
            await LoadBar.WatchAsync(
                services.Console, () => $"{statistics.Ended} requests, {statistics.OutputTokens} tokens", () => runner.Share, load);
        }
        finally
        {
            await loadEnded.CancelAsync();
            await Task.WhenAll(watchers);
        }

        return new LoadTestReport
        {
            Server = target.Address,
            Plan = plan,
            Load = statistics,
            Baseline = baseline,
            Health = health,
            LongPrompt = longPrompt is null ? null : await longPrompt,
            Soak = soak is null ? null : await soak.FinishAsync(cancellation),
            Engine = own?.Model.Engine.Statistics,
        };
    }

    /// <summary>Requests of the same kind, one at a time, from patient clients.</summary>
    private async Task<LoadStatistics> BaselineAsync(LoadTarget target, RequestFactory factory, CancellationToken cancellation)
    {
        var statistics = new LoadStatistics();
        using var client = new LoadClient(target, statistics, answers: null);
        for (int i = 0; i < BaselineRequests; i++)
        {
            var request = factory.Create(FirstBaseline + i) with { Reader = ReaderKind.Steady };
            await client.RunAsync(request, System.Diagnostics.Stopwatch.GetTimestamp(), cancellation);
        }

        return statistics;
    }

    private async Task<CheckResult> CheckAsync(LlmServeClient client, RequestFactory factory, AnswerStore answers, CancellationToken cancellation)
    {
        long done = 0;
        int all = answers.Kept.Count;
        var check = AnswerCheck.RunAsync(client, factory, answers, count => Interlocked.Exchange(ref done, count), cancellation);
        await LoadBar.WatchAsync(
            services.Console, () => "comparing with the same requests alone", () => (double)Interlocked.Read(ref done) / Math.Max(1, all), check);
        return await check;
    }
}
