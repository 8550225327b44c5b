using Google.Protobuf;
using Grpc.Core;
using LlmServe.Http;
using LlmServe.Server.Tests.Support;
using LlmServe.Testing.Fakes;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>Requests that are none, or only in part.</summary>
public sealed class RequestGateTests
{
    private const string Chat = "/llmserve.v1.ChatService/Chat";
    private const string Tokenize = "/llmserve.v1.TextService/Tokenize";

    [Fact]
    public async Task Chat_HalfSent_FailsAloneOnItsConnection()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Next = _ => 'x', ContextLength = 32 * 1024, KvBlocks = 1024 },
            options: new ServerOptions { Http = new HttpOptions { LongestPause = TimeSpan.FromMilliseconds(200) } });
        using var socket = await Http2Socket.ConnectAsync(server.Host.Endpoint);
        var good = await socket.RequestAsync(Chat, Whole("Hi", 8_000));
        await good.Began.WaitAsync(Calls.Patience);
        var halves = new List<Http2Socket.Answer>();
        foreach (byte[] part in (byte[][])[[], [0, 0, 0], Whole("Hi")[..8]])
        {
            halves.Add(await socket.RequestAsync(Chat, part, isWhole: false));
        }

        foreach (var half in halves)
        {
            await half.Ended.WaitAsync(Calls.Patience);
            Assert.Equal((int)StatusCode.DeadlineExceeded, half.Status);
        }

        await good.Ended.WaitAsync(Calls.Patience);
        Assert.Equal((int)StatusCode.OK, good.Status);
        Assert.False(socket.IsGoingAway);
    }

    [Fact]
    public async Task Call_OfBrokenMessage_FailsWithItsReasonAndLogsNoError()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { MaxRequestBytes = 5000 });
        using var socket = await Http2Socket.ConnectAsync(server.Host.Endpoint);
        foreach (var (body, status, words) in ((byte[], StatusCode, string)[])[
            ([], StatusCode.InvalidArgument, "has no message"),
            ([0, 0, 0], StatusCode.InvalidArgument, "ends before its message"),
            (Http2Socket.Message([1, 2], length: 9), StatusCode.InvalidArgument, "ends 7 bytes before its message does"),
            ([.. Http2Socket.Message([]), .. Http2Socket.Message([])], StatusCode.InvalidArgument, "more than one message"),
            (Http2Socket.Message([], flag: 7), StatusCode.InvalidArgument, "begins with 7"),
            (Http2Socket.Message([], length: -1), StatusCode.ResourceExhausted, "4294967295 bytes; this server takes at most 5000"),
            (Http2Socket.Message([0xFF, 0xFF, 0xFF]), StatusCode.InvalidArgument, "not a valid"),
            (Http2Socket.Message([0xFF, 0xFF, 0xFF], flag: 1), StatusCode.Internal, "grpc-encoding")])
        {
            foreach (string path in (string[])[Chat, Tokenize])
            {
                var answer = await socket.RequestAsync(path, body);
                await answer.Ended.WaitAsync(Calls.Patience);
                Assert.Equal((int)status, answer.Status);
                Assert.Contains(words, answer.Headers, StringComparison.Ordinal);
            }
        }

        Assert.False(socket.IsGoingAway);
        Assert.DoesNotContain(server.Logs.Entries, entry => entry.Exception is not null);
    }

    [Theory]
    [InlineData("1x", StatusCode.InvalidArgument)]
    [InlineData("S", StatusCode.InvalidArgument)]
    [InlineData("-1S", StatusCode.InvalidArgument)]
    [InlineData("123456789S", StatusCode.InvalidArgument)]
    [InlineData("1 S", StatusCode.InvalidArgument)]
    [InlineData("0S", StatusCode.DeadlineExceeded)]
    [InlineData("00n", StatusCode.DeadlineExceeded)]
    [InlineData("1n", StatusCode.DeadlineExceeded)]
    [InlineData("99999999H", StatusCode.OK)]
    public async Task Call_WithTimeout_IsHeldToItOrToldWhatIsWrong(string timeout, StatusCode status)
    {
        await using var server = await TestServer.StartAsync();
        using var socket = await Http2Socket.ConnectAsync(server.Host.Endpoint);
        var answer = await socket.RequestAsync(Chat, Whole("Hi"), headers: [("grpc-timeout", timeout)]);
        await answer.Ended.WaitAsync(Calls.Patience);
        Assert.Equal((int)status, answer.Status);
        if (status == StatusCode.InvalidArgument)
        {
            Assert.Contains("grpc-timeout", answer.Headers, StringComparison.Ordinal);
        }
    }

    private static byte[] Whole(string content, int maxTokens = 20) =>
        Http2Socket.Message(TestServer.Chat(content, new GenerationOptions { MaxTokens = maxTokens }).ToByteArray());
}
