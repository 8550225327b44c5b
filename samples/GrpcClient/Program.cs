// A conversation with a server: each answer is streamed, and becomes part of the next question.
// usage: GrpcClient [http://127.0.0.1:8080]; the key of a server that asks for one is taken from LLMSERVE_API_KEY
using Grpc.Core;
using LlmServe.Client;
using LlmServe.V1;

string[] questions = ["What is the capital of France?", "And of Italy?"];
string key = Environment.GetEnvironmentVariable("LLMSERVE_API_KEY") ?? "";
using var client = new LlmServeClient(args.FirstOrDefault("http://127.0.0.1:8080"), new LlmServeClientOptions { ApiKey = key.Length > 0 ? key : null });
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    // Leaving the loop below cancels the call, which frees its place on the server at once.
    pressed.Cancel = true;
    stop.Cancel();
};

// Left out, sampling is greedy, which small models answer with repetitions.
var sampling = new SamplingOptions { Temperature = 0.2f, TopP = 0.9f, RepetitionPenalty = 1.1f };
var conversation = new ChatRequest { Options = new GenerationOptions { MaxTokens = 60, Sampling = sampling } };
try
{
    foreach (string question in questions)
    {
        Console.WriteLine($"> {question}");
        conversation.Messages.Add(new ChatMessage { Role = "user", Content = question });
        string answer = "";
        await foreach (var delta in client.ChatAsync(conversation, stop.Token))
        {
            answer += delta.Text;
            Console.Write(delta.Text);
            if (delta.FinishReason != FinishReason.Unspecified)
            {
                Console.WriteLine($"\n  ({delta.FinishReason}, {delta.Usage.CompletionTokens} tokens, {delta.Timings.TokensPerSecond:0} per second)");
            }
        }

        conversation.Messages.Add(new ChatMessage { Role = "assistant", Content = answer });
    }

    return 0;
}
catch (RpcException error) when (error.StatusCode == StatusCode.Cancelled)
{
    return 130;
}
catch (RpcException error)
{
    // The message is for people and says what to change; the trailer has the path of the field at fault.
    string field = error.Trailers.GetValue("llmserve-field") is { } path ? $" (field {path})" : "";
    Console.Error.WriteLine($"{error.StatusCode}: {error.Status.Detail}{field}");
    return 1;
}
