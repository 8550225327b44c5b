namespace LlmServe.Serving.Tests;

/// <summary>Who calls, and what is counted of him.</summary>
public sealed class ClientTests
{
    private const string Alice = "alice-alice-alice-alice";
    private const string Bob = "bob-bob-bob-bob-bob-bob";

    [Fact]
    public async Task FindByKey_OfEachKey_FindsItsOwner()
    {
        await using var test = new TestCore(new ServingOptions { ApiKeys = [Key("alice", Alice), Key("bob", Bob)] });
        Assert.True(test.Core.Clients.AsksForKeys);
        Assert.Equal("alice", test.Core.Clients.FindByKey(Alice)!.Name);
        Assert.Equal("bob", test.Core.Clients.FindByKey($" {Bob} ")!.Name);
        foreach (string wrong in (string[])["", " ", "x", Alice + "x", Alice[..^1], new string('x', 100_000)])
        {
            Assert.Null(test.Core.Clients.FindByKey(wrong));
        }
    }

    [Fact]
    public async Task Replace_Keys_ChangesWhoMayCallAndKeepsWhatIsCounted()
    {
        await using var test = new TestCore(new ServingOptions { ApiKeys = [Key("alice", Alice) with { MaxStreams = 1 }] });
        var clients = test.Core.Clients;
        var alice = clients.FindByKey(Alice)!;
        Assert.Null(alice.EnterStream());

        clients.Replace([Key("alice", Bob) with { MaxStreams = 2, Priority = 3 }, Key("carol", Alice)]);
        Assert.Equal("carol", clients.FindByKey(Alice)!.Name);
        Assert.Same(alice, clients.FindByKey(Bob));
        Assert.Equal(3, alice.Priority);
        Assert.Null(alice.EnterStream());
        Assert.Equal(FailureKind.Exhausted, alice.EnterStream()!.Kind);

        Assert.Throws<OptionException>(() => clients.Replace([]));
        Assert.Throws<OptionException>(() => clients.Replace([Key("a", Alice), Key("a", Bob)]));
        Assert.Same(alice, clients.FindByKey(Bob));
    }

    [Fact]
    public async Task OfAddress_WhileItsCallsRun_IsOneClient()
    {
        await using var test = new TestCore();
        var clients = test.Core.Clients;
        var first = clients.OfAddress("10.0.0.1");
        clients.Enter(first);
        Assert.Same(first, clients.OfAddress("10.0.0.1"));
        Assert.NotSame(first, clients.OfAddress("10.0.0.2"));
        clients.Leave(first);
        Assert.NotSame(first, clients.OfAddress("10.0.0.1"));
    }

    [Fact]
    public async Task TryTake_OfBytes_BoundsEachClientAndAll()
    {
        await using var test = new TestCore();
        var budget = test.Core.Budget;
        var clients = Enumerable.Range(0, 3).Select(i => new ServedClient($"client {i}")).ToList();
        var leases = new List<RequestLease>();
        Assert.Equal(32, Fill(clients[0]));
        Assert.Equal(32, Fill(clients[1]));
        Assert.Equal(0, Fill(clients[2]));
        Assert.Null(budget.TryTake(clients[2], RequestBudget.Short, out var none));
        Assert.Null(none);
        leases.ForEach(lease => lease.Dispose());
        leases.ForEach(lease => lease.Dispose());
        Assert.Equal(32, Fill(clients[2]));

        int Fill(ServedClient client)
        {
            int taken = 0;
            while (budget.TryTake(client, 1 << 20, out var lease) is null)
            {
                leases.Add(lease!);
                taken++;
            }

            return taken;
        }
    }

    private static ApiKey Key(string name, string key) => new() { Name = name, Sha256 = ApiKey.HashOf(key) };
}
