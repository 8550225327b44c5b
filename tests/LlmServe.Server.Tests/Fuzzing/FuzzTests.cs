using System.Diagnostics;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using LlmServe.V1;
using Xunit.Abstractions;

namespace LlmServe.Server.Tests.Fuzzing;

/// <summary>Alone in its collection: it measures what the whole process allocates.</summary>
[CollectionDefinition("fuzz", DisableParallelization = true)]
public sealed class FuzzCollection;

/// <summary>Hostile messages get a clean status or an answer; none crashes the server, holds it up or fills its memory.</summary>
[Collection("fuzz")]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int Messages = 20_000;
    private const int Seed = 20260727;
    private const long MaxAllocation = 64 << 20;

    private static readonly StatusCode[] Clean =
        [StatusCode.OK, StatusCode.InvalidArgument, StatusCode.NotFound, StatusCode.FailedPrecondition, StatusCode.ResourceExhausted];

    [Fact]
    public async Task Endpoints_OnMutatedMessages_GiveCleanStatusOrAnswer()
    {
        await using var target = new FuzzTarget();
        var mutators = FuzzTarget.Corpus.Select((corpus, method) => new Mutator(Seed + method, corpus)).ToArray();
        var counts = new SortedDictionary<StatusCode, int>();
        (long most, double longest) = (0, 0);
        for (int i = 0; i < Messages; i++)
        {
            // Most of the messages go to the methods with the richest requests.
            int method = (i % 10) switch { < 5 => 0, < 8 => 1, 8 => 2 + (i / 10 % 2), _ => 4 + (i / 10 % 2) };
            byte[] message = mutators[method].Next();
            var (status, allocated, seconds) = await MeasureAsync(target, method, message);
            for (int again = 0; again < 2 && seconds > 1; again++)
            {
                // A real hang hangs again; a busy machine does not.
                seconds = (await MeasureAsync(target, method, message)).Seconds;
            }

            string name = $"message {i} to {FuzzTarget.Methods[method].Method}, {Convert.ToHexString(message)}: {status}";
            Assert.True(Clean.Contains(status.StatusCode), name);
            Assert.True(allocated <= MaxAllocation, $"{name}, {allocated} bytes allocated");
            Assert.True(seconds <= 1, $"{name}, {seconds} s");
            counts[status.StatusCode] = counts.GetValueOrDefault(status.StatusCode) + 1;
            (most, longest) = (Math.Max(most, allocated), Math.Max(longest, seconds));
        }

        output.WriteLine($"{Messages} messages: {string.Join(", ", counts)}; at most {most / 1024} KiB and {longest * 1000:F0} ms each");
        // The mutations are neither all harmless nor all fatal: else this would test nothing.
        Assert.True(counts[StatusCode.OK] > Messages / 20 && counts[StatusCode.InvalidArgument] > Messages / 20);
    }

    [Fact]
    public async Task Server_OnMutatedMessagesAndGarbage_StaysUp()
    {
        await using var server = await TestServer.StartAsync(FuzzTarget.TinyModel);
        using var raw = new RawClient(server.Host.Address);
        var random = new Random(Seed);
        var mutators = FuzzTarget.Corpus.Select((corpus, method) => new Mutator(Seed - 1 - method, corpus)).ToArray();
        for (int i = 0; i < 300; i++)
        {
            int method = i % mutators.Length;
            byte[] message = mutators[method].Next();
            var (status, _) = await raw.StreamAsync(FuzzTarget.Methods[method].Service, FuzzTarget.Methods[method].Method, message);
            Assert.True(Clean.Contains(status.StatusCode), $"message {i}, {Convert.ToHexString(message)}: {status}");
        }

        for (int i = 0; i < 50; i++)
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(server.Host.Endpoint);
            byte[] garbage = new byte[random.Next(1, 2000)];
            random.NextBytes(garbage);
            byte[] preface = i % 2 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray() : [];
            await socket.GetStream().WriteAsync((byte[])[.. preface, .. garbage]);
        }

        Assert.Equal(TestServer.Answer, (await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync()).Text());
    }

    /// <summary>The messages that cost most per byte, as large as the server takes them.</summary>
    [Theory]
    [InlineData("messages")]
    [InlineData("unknown fields")]
    [InlineData("stop texts")]
    [InlineData("token ids")]
    [InlineData("biases")]
    [InlineData("json")]
    public async Task Endpoints_OnLargestCostliestMessage_StayWithinMemory(string kind)
    {
        const int Size = (1 << 20) - 64;
        await using var target = new FuzzTarget();
        var (method, message) = kind switch
        {
            "messages" => (0, Repeat([0x12, 0x00], Size)),
            "unknown fields" => (0, UnknownFields(Size)),
            "stop texts" => (0, [.. TestServer.Chat("Hi").ToByteArray(), .. Wrap(0x1A, Repeat([0x1A, 0x00], Size))]),
            "token ids" => (1, Wrap(0x1A, Wrap(0x0A, new byte[Size]))),
            "biases" => (1, [.. new GenerateRequest { Text = "x" }.ToByteArray(), .. Wrap(0x22, Wrap(0x0A, Biases(Size)))]),
            _ => (0, new ChatRequest
            {
                Messages =
                {
                    Enumerable.Repeat(new LlmServe.V1.ChatMessage
                    {
                        Role = "user", Content = "x", FieldsJson = $"{{\"unused\": [{string.Join(',', Enumerable.Repeat("[]", 85_000))}]}}",
                    }, 4),
                },
                Options = new GenerationOptions { Stop = { "" } },
            }.ToByteArray()),
        };
        Assert.InRange(message.Length, Size / 4, 1 << 20);
        await MeasureAsync(target, method, message);
        var (status, allocated, _) = await MeasureAsync(target, method, message);
        output.WriteLine($"{kind}: {status.StatusCode}, {allocated / 1024} KiB; {status.Detail}");
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.True(allocated <= MaxAllocation, $"{allocated} bytes allocated");
    }

    private static async Task<(Status Status, long Allocated, double Seconds)> MeasureAsync(FuzzTarget target, int method, byte[] message)
    {
        long before = GC.GetTotalAllocatedBytes();
        long start = Stopwatch.GetTimestamp();
        var status = Status.DefaultSuccess;
        try
        {
            await target.RunAsync(method, message).WaitAsync(Calls.Patience);
        }
        catch (RpcException exception)
        {
            status = exception.Status;
        }

        return (status, GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static byte[] Repeat(byte[] unit, int size) => [.. Enumerable.Repeat(unit, size / unit.Length).SelectMany(bytes => bytes)];

    /// <summary>A field of length-delimited bytes.</summary>
    private static byte[] Wrap(byte tag, byte[] content)
    {
        using var stream = new MemoryStream();
        using var writer = new CodedOutputStream(stream);
        writer.WriteRawTag(tag);
        writer.WriteBytes(ByteString.CopyFrom(content));
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>As many different fields that no message has as fit.</summary>
    private static byte[] UnknownFields(int size)
    {
        using var stream = new MemoryStream();
        using var writer = new CodedOutputStream(stream);
        for (uint number = 100; stream.Position < size - 8192; number++)
        {
            writer.WriteTag((int)number, WireFormat.WireType.Varint);
            writer.WriteInt32(1);
            if (number % 64 == 0)
            {
                writer.Flush();
            }
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>As many different biases as fit, the tokens outside the vocabulary included.</summary>
    private static byte[] Biases(int size)
    {
        var sampling = new LlmServe.V1.SamplingOptions();
        for (int token = 0; token < size / 11; token++)
        {
            sampling.LogitBias.Add(token + 20_000, 1);
        }

        return sampling.ToByteArray();
    }
}
