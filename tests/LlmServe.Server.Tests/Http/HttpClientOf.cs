using System.Net;
using System.Text;
using System.Text.Json;

namespace LlmServe.Server.Tests.Http;

/// <summary>A plain HTTP client of a test server.</summary>
internal sealed class HttpClientOf : IDisposable
{
    private readonly HttpClient _client;

    public HttpClientOf(TestServer server, string? key = null)
    {
        _client = new HttpClient { BaseAddress = server.Host.Address, Timeout = Calls.Patience };
        if (key is not null)
        {
            _client.DefaultRequestHeaders.Add("Authorization", $"Bearer {key}");
        }
    }

    /// <summary>Posts JSON and gives the answer's status and JSON.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Json)> PostAsync(string path, string json)
    {
        using var response = await SendAsync(path, json);
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }

    /// <summary>Posts JSON that is answered well.</summary>
    public async Task<JsonElement> AnswerAsync(string path, string json)
    {
        var (status, answer) = await PostAsync(path, json);
        Assert.True(status == HttpStatusCode.OK, $"{status}: {answer}");
        return answer;
    }

    /// <summary>Posts JSON.</summary>
    public Task<HttpResponseMessage> SendAsync(string path, string json, CancellationToken cancellation = default) => _client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") },
        HttpCompletionOption.ResponseHeadersRead, cancellation);

    /// <summary>Posts JSON and reads the events that answer it, each with its name.</summary>
    public async Task<List<(string? Name, string Data)>> EventsAsync(string path, string json)
    {
        using var response = await SendAsync(path, json);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode}: {text}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = new List<(string?, string)>();
        foreach (string block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = block.Split('\n');
            string? name = lines.FirstOrDefault(line => line.StartsWith("event: ", StringComparison.Ordinal))?["event: ".Length..];
            if (lines.FirstOrDefault(line => line.StartsWith("data: ", StringComparison.Ordinal)) is { } data)
            {
                events.Add((name, data["data: ".Length..]));
            }
        }

        return events;
    }

    /// <summary>Gets JSON.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Json)> GetAsync(string path)
    {
        using var response = await _client.GetAsync(new Uri(path, UriKind.Relative));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }

    /// <summary>Gets a text.</summary>
    public Task<string> TextAsync(string path) => _client.GetStringAsync(new Uri(path, UriKind.Relative));

    public void Dispose() => _client.Dispose();
}
