using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmServe.Server.Tests.Support;

/// <summary>HTTP/2 frame by frame, for clients that do what libraries would not. It throws nothing when the server ends a stream or the connection.</summary>
internal sealed class Http2Socket : IDisposable
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Rst = 3;
    private const byte Settings = 4;
    private const byte GoAway = 7;
    private const byte WindowUpdate = 8;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ConcurrentDictionary<int, Answer> _answers = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _next = -1;

    private Http2Socket()
    {
    }

    /// <summary>Completes when the server has closed the connection.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Whether the server said that it would close the connection.</summary>
    public bool IsGoingAway { get; private set; }

    /// <summary>Connects and greets.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="window">Bytes of each answer that the server may send before it is asked for more.</param>
    public static async Task<Http2Socket> ConnectAsync(IPEndPoint server, int window = 1 << 20)
    {
        var http2 = new Http2Socket();
        await http2._socket.ConnectAsync(server);
        byte[] settings = new byte[12];
        settings[1] = 1; // header table size 0: headers come spelled out
        settings[7] = 4; // initial window
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(8), window);
        await http2.SendAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings)]);
        _ = Task.Run(http2.ReadAsync);
        return http2;
    }

    /// <summary>Opens a stream and sends what of a request the arguments say.</summary>
    /// <param name="path">Such as <c>/llmserve.v1.ChatService/Chat</c>.</param>
    /// <param name="body">The body, or a part of it.</param>
    /// <param name="isWhole">Whether nothing follows.</param>
    /// <param name="reset">Whether the stream is reset at once.</param>
    /// <param name="headers">More headers.</param>
    public async Task<Answer> RequestAsync(
        string path, byte[] body, bool isWhole = true, bool reset = false, IReadOnlyList<(string Name, string Value)>? headers = null)
    {
        await _sending.WaitAsync();
        try
        {
            int id = _next += 2;
            var answer = _answers.GetOrAdd(id, _ => new Answer());
            answer.Id = id;
            byte[] frames =
            [
                .. Frame(Headers, EndHeaders, id, Encode([
                    (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("te", "trailers"),
                    ("content-type", "application/grpc"), .. headers ?? []])),
                .. Frame(Data, isWhole ? EndStream : (byte)0, id, body),
                .. reset ? Frame(Rst, 0, id, [0, 0, 0, 8]) : [],
            ];
            await WriteAsync(frames);
            return answer;
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Resets a stream, as a client does that wants no answer any more.</summary>
    public Task ResetAsync(Answer answer) => SendAsync(Frame(Rst, 0, answer.Id, [0, 0, 0, 8]));

    /// <summary>A gRPC message as it travels.</summary>
    public static byte[] Message(byte[] content, byte flag = 0, int? length = null)
    {
        byte[] message = new byte[5 + content.Length];
        message[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), length ?? content.Length);
        content.CopyTo(message, 5);
        return message;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _sending.Dispose();
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(0), payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>Headers spelled out (RFC 7541, 6.2.2); names and values below 127 bytes.</summary>
    private static byte[] Encode(IReadOnlyList<(string Name, string Value)> headers) =>
        [.. headers.SelectMany(header => (byte[])[
            0, (byte)header.Name.Length, .. Encoding.ASCII.GetBytes(header.Name), (byte)header.Value.Length, .. Encoding.ASCII.GetBytes(header.Value)])];

    private async Task SendAsync(byte[] bytes)
    {
        await _sending.WaitAsync();
        await WriteAsync(bytes);
        _sending.Release();
    }

    private async Task WriteAsync(byte[] bytes)
    {
        try
        {
            await _socket.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // The server closed the connection, as the reader sees too.
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            using var stream = new NetworkStream(_socket);
            byte[] header = new byte[9];
            while (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false) == header.Length)
            {
                byte[] payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >> 8];
                await stream.ReadExactlyAsync(payload);
                await TakeAsync(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // Closed by either side.
        }

        _closed.TrySetResult();
        foreach (var answer in _answers.Values)
        {
            answer.End();
        }
    }

    private async Task TakeAsync(byte type, byte flags, int id, byte[] payload)
    {
        var answer = _answers.GetOrAdd(id, _ => new Answer());
        switch (type)
        {
            case Data:
                answer.Add(payload.Length);
                byte[] increment = [0, 0, 0, 0];
                BinaryPrimitives.WriteInt32BigEndian(increment, Math.Max(1, payload.Length));
                await SendAsync(Frame(WindowUpdate, 0, 0, increment));
                break;
            case Headers:
                answer.AddHeaders(payload);
                break;
            case Rst:
                answer.WasReset = true;
                answer.End();
                break;
            case Settings when (flags & 1) == 0:
                await SendAsync(Frame(Settings, 1, 0, []));
                break;
            case GoAway:
                IsGoingAway = true;
                break;
        }

        if (type is Data or Headers && (flags & EndStream) != 0)
        {
            answer.End();
        }
    }

    /// <summary>What a stream was answered.</summary>
    internal sealed class Answer
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the stream has ended.</summary>
        public Task Ended => _ended.Task;

        /// <summary>Completes when the first message came.</summary>
        public Task Began => _began.Task;

        /// <summary>The stream.</summary>
        public int Id { get; set; }

        /// <summary>Bytes of the answer.</summary>
        public int Bytes { get; private set; }

        /// <summary>Whether the server reset the stream.</summary>
        public bool WasReset { get; set; }

        /// <summary>The call's status; −1: none came.</summary>
        public int Status { get; private set; } = -1;

        /// <summary>All headers and trailers, as they came.</summary>
        public string Headers { get; private set; } = "";

        public void Add(int bytes)
        {
            Bytes += bytes;
            _began.TrySetResult();
        }

        public void AddHeaders(byte[] payload)
        {
            string text = Encoding.Latin1.GetString(payload);
            Headers += text;
            int at = text.IndexOf("grpc-status", StringComparison.Ordinal);
            if (at >= 0)
            {
                at += "grpc-status".Length;
                Status = int.Parse(text.AsSpan(at + 1, text[at]), NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }

        public void End() => _ended.TrySetResult();
    }
}
