using System.Buffers;
using Google.Protobuf;
using LlmServe.Server.Internal.Transport;
using LlmServe.Server.Tests.Support;

namespace LlmServe.Server.Tests;

/// <summary>Calls that are opened only to be reset.</summary>
public sealed class RapidResetTests
{
    [Fact]
    public async Task Connection_ThatResetsAll_KeepsNobodyWaitingAndIsAnsweredInTheEnd()
    {
        await using var server = await TestServer.StartAsync();
        byte[] message = Http2Socket.Message(TestServer.Chat("Hi").ToByteArray());
        using var hostile = await Http2Socket.ConnectAsync(server.Host.Endpoint);
        for (int i = 0; i < 1000; i++)
        {
            await hostile.RequestAsync("/llmserve.v1.ChatService/Chat", message, reset: true);
        }

        // What stands behind the resets comes when they are through.
        var behind = await hostile.RequestAsync("/llmserve.v1.ChatService/Chat", message);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(TestServer.Answer, (await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync().WaitAsync(Calls.Patience)).Text());
        }

        await behind.Ended.WaitAsync(Calls.Patience);
        Assert.Equal(0, behind.Status);
        Assert.False(hostile.IsGoingAway);
    }

    [Fact]
    public void TryTake_OfBucket_GivesItsBurstAndThenItsRate()
    {
        var clock = new TestClock();
        var bucket = new TokenBucket(20, 10, clock);
        Assert.Equal(20, Enumerable.Range(0, 50).Count(_ => bucket.TryTake()));
        clock.Now += TimeSpan.FromSeconds(0.55);
        Assert.Equal(5, Enumerable.Range(0, 50).Count(_ => bucket.TryTake()));
        clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(20, Enumerable.Range(0, 50).Count(_ => bucket.TryTake()));
    }

    [Fact]
    public void TryNext_OfFramesInAnyPieces_FindsEachType()
    {
        byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            var types = new List<byte>();
            var bytes = new List<byte>(preface);
            for (int i = 0; i < 20; i++)
            {
                byte[] payload = new byte[random.Next(3) == 0 ? random.Next(70_000) : random.Next(20)];
                random.NextBytes(payload);
                byte type = (byte)random.Next(10);
                types.Add(type);
                bytes.AddRange([(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, 0, 0, 0, 0, 1, .. payload]);
            }

            var found = new List<byte>();
            var scanner = new FrameScanner();
            byte[] all = [.. bytes];
            for (int at = 0; at < all.Length;)
            {
                int length = Math.Min(random.Next(1, round % 2 == 0 ? 8 : 50_000), all.Length - at);
                var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(all, at, length));
                while (scanner.TryNext(ref reader, out byte type))
                {
                    found.Add(type);
                }

                Assert.True(reader.End);
                at += length;
            }

            Assert.Equal(types, found);
        }
    }

    private sealed class TestClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
