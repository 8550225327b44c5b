using System.Collections.Concurrent;

namespace LlmServe.Serving.Tests;

public sealed class TextWorkersTests
{
    private readonly ConcurrentDictionary<string, ServedClient> _clients = new();

    [Fact]
    public async Task RunAsync_OfManyClients_SharesByTimeNotByNumber()
    {
        using var workers = new TextWorkers(1);
        using var hold = new ManualResetEventSlim();
        var done = new ConcurrentQueue<string>();
        var all = new List<Task> { Run(workers, "first", () => hold.Wait(TestCore.Patience)) };
        for (int i = 0; i < 50; i++)
        {
            all.Add(Run(workers, "greedy", () => Spend(done, "greedy")));
        }

        for (int i = 0; i < 3; i++)
        {
            all.Add(Run(workers, "modest", () => Spend(done, "modest")));
        }

        hold.Set();
        await Task.WhenAll(all).WaitAsync(TestCore.Patience);
        // In turns, as long as there are any: the last of the modest client's three comes after a few of the fifty.
        Assert.InRange(done.ToList().FindLastIndex(name => name == "modest"), 2, 30);
    }

    [Fact]
    public async Task RunAsync_OfEndedCall_TakesTheWorkOutAndSaysWhy()
    {
        using var workers = new TextWorkers(1);
        using var hold = new ManualResetEventSlim();
        var first = Run(workers, "first", () => hold.Wait(TestCore.Patience));
        using var cancel = new CancellationTokenSource();
        var call = Call("second", cancel.Token);
        bool ran = false;
        var second = workers.RunAsync(call, _ => ran = true).AsTask();
        await cancel.CancelAsync();
        Assert.False(await second.WaitAsync(TestCore.Patience));
        Assert.Equal(Failure.Cancelled, call.Outcome);
        Assert.Equal(0, workers.Count);
        hold.Set();
        await first;
        Assert.False(ran);
    }

    [Fact]
    public async Task RunAsync_OfRunningWork_IsCancelledByTheCallsEnd()
    {
        using var workers = new TextWorkers(1);
        using var cancel = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        var call = Call("a", cancel.Token);
        var work = workers.RunAsync(call, cancellation =>
        {
            started.SetResult();
            cancellation.WaitHandle.WaitOne(TestCore.Patience);
            cancellation.ThrowIfCancellationRequested();
            return "done";
        }).AsTask();
        await started.Task.WaitAsync(TestCore.Patience);
        await cancel.CancelAsync();
        Assert.Null(await work.WaitAsync(TestCore.Patience));
        Assert.Equal(Failure.Cancelled, call.Outcome);
    }

    [Fact]
    public async Task RunAsync_BeyondAClientsShare_RefusesItAndTakesOthers()
    {
        using var workers = new TextWorkers(1);
        using var hold = new ManualResetEventSlim();
        var all = new List<Task> { Run(workers, "first", () => hold.Wait(TestCore.Patience)) };
        for (int i = 0; i < TextWorkers.MostOfClient; i++)
        {
            all.Add(Run(workers, "greedy", () => { }));
        }

        var refused = Call("greedy");
        Assert.False(await workers.RunAsync(refused, _ => true));
        Assert.Equal(FailureKind.Exhausted, refused.Outcome!.Kind);
        var other = workers.RunAsync(Call("modest"), _ => true).AsTask();
        hold.Set();
        Assert.True(await other.WaitAsync(TestCore.Patience));
        await Task.WhenAll(all).WaitAsync(TestCore.Patience);
    }

    [Fact]
    public async Task RunAsync_OfWorkThatThrows_ThrowsItAndGoesOn()
    {
        using var workers = new TextWorkers(1);
        await Assert.ThrowsAsync<InvalidDataException>(() => workers.RunAsync<bool>(Call("a"), _ => throw new InvalidDataException()).AsTask());
        Assert.True(await workers.RunAsync(Call("a"), _ => true));
    }

    [Fact]
    public async Task Dispose_WithWaitingWork_EndsIt()
    {
        var workers = new TextWorkers(1);
        using var hold = new ManualResetEventSlim();
        var first = Run(workers, "first", () => hold.Wait(TestCore.Patience));
        var call = Call("second");
        var second = workers.RunAsync(call, _ => true).AsTask();
        workers.Dispose();
        Assert.False(await second.WaitAsync(TestCore.Patience));
        Assert.Equal(Failure.Stopping, call.Outcome);
        hold.Set();
        await first.WaitAsync(TestCore.Patience);
        Assert.False(await workers.RunAsync(Call("third"), _ => true));
    }

    private static void Spend(ConcurrentQueue<string> done, string name)
    {
        // Long enough to count, whatever else the machine does.
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (watch.ElapsedMilliseconds < 2)
        {
        }

        done.Enqueue(name);
    }

    private Task Run(TextWorkers workers, string client, Action work) => workers.RunAsync(Call(client), _ =>
    {
        work();
        return true;
    }).AsTask();

    private ServedCall Call(string client, CancellationToken aborted = default) =>
        new() { Method = "test", Client = _clients.GetOrAdd(client, name => new ServedClient(name)), Aborted = aborted };
}
