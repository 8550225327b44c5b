// Ask before sending: of several servers the one is taken that would begin its answer first, and a question that nobody would begin to answer in time is not asked.
// usage: PlanBeforeSend [SERVER …]
using Grpc.Core;
using LlmServe.Client;
using LlmServe.V1;

var patience = TimeSpan.FromSeconds(10);
string[] servers = args.Length > 0 ? args : ["http://127.0.0.1:8080"];
var request = new ChatRequest
{
    Messages = { new ChatMessage { Role = "user", Content = "Write a haiku about the sea." } },
    Options = new GenerationOptions { MaxTokens = 40 },
};

var clients = servers.Select(server => new LlmServeClient(server)).ToList();
try
{
    var plans = await Task.WhenAll(clients.Select(client => PlanAsync(client, request)));
    foreach (var (client, plan) in clients.Zip(plans))
    {
        Console.WriteLine(plan is null ? $"{client.Address}: not there"
            : plan.Accepted ? $"{client.Address}: first token in {plan.TimeToFirstTokenSeconds:0.000} s, then {plan.TokensPerSecond:0} per second"
            : $"{client.Address}: would refuse it: {plan.Refusal}");
    }

    var (best, known) = clients.Zip(plans)
        .Where(pair => pair.Second is { Accepted: true })
        .OrderBy(pair => pair.Second!.TimeToFirstTokenSeconds)
        .FirstOrDefault();
    if (best is null || known!.TimeToFirstTokenSeconds > patience.TotalSeconds)
    {
        Console.WriteLine("nobody would begin in time");
        return 1;
    }

    await foreach (var delta in best.ChatAsync(request))
    {
        Console.Write(delta.Text);
        if (delta.Timings is { } measured)
        {
            Console.WriteLine($"\nplanned {known.TimeToFirstTokenSeconds:0.000} s to the first token, it took {measured.TimeToFirstTokenSeconds:0.000} s");
        }
    }

    return 0;
}
finally
{
    clients.ForEach(client => client.Dispose());
}

static async Task<PlanResponse?> PlanAsync(LlmServeClient client, ChatRequest request)
{
    try
    {
        return await client.PlanAsync(new PlanRequest { Chat = request });
    }
    catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
    {
        return null;
    }
}
