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
    private const int LargestFrame = 16_384;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ConcurrentDictionary<int, Answer> _answers = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SendWindow _window = new();
    private int _streamWindow = 65_535;
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
        http2._window.Grow(65_535);
        _ = Task.Run(http2.ReadAsync);
        await http2._greeted.Task;
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
        Answer answer;
        await _sending.WaitAsync();
        try
        {
            int id = _next += 2;
            answer = _answers.GetOrAdd(id, _ => new Answer());
            answer.Id = id;
            answer.Window.Grow(_streamWindow);
            await WriteAsync(Frame(Headers, EndHeaders, id, Encode([
                (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("te", "trailers"),
                ("content-type", "application/grpc"), .. headers ?? []])));
        }
        finally
        {
            _sending.Release();
        }

        await SendBodyAsync(answer, body, isWhole);
        if (reset)
        {
            await ResetAsync(answer);
        }

        return answer;
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

    /// <summary>Sends as the server has room, in frames of its size; a stream that has ended meanwhile is sent no more.</summary>
    private async Task SendBodyAsync(Answer answer, byte[] body, bool isWhole)
    {
        int sent = 0;
        do
        {
            int wanted = Math.Min(LargestFrame, body.Length - sent);
            int length = wanted == 0 ? 0 : await answer.Window.TakeAsync(wanted);
            int granted = length == 0 ? 0 : await _window.TakeAsync(length);
            if (wanted > 0 && granted == 0)
            {
                return;
            }

            answer.Window.Grow(length - granted);
            sent += granted;
            bool last = sent == body.Length;
            await SendAsync(Frame(Data, last && isWhole ? EndStream : (byte)0, answer.Id, body[(sent - granted)..sent]));
        }
        while (sent < body.Length);
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
        _greeted.TrySetResult();
        _window.Close();
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
            case WindowUpdate:
                (id == 0 ? _window : answer.Window).Grow(BinaryPrimitives.ReadInt32BigEndian(payload));
                break;
            case Settings when (flags & 1) == 0:
                TakeSettings(payload);
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

    private void TakeSettings(byte[] payload)
    {
        for (int at = 0; at + 6 <= payload.Length; at += 6)
        {
            if (payload[at + 1] == 4)
            {
                _streamWindow = BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(at + 2));
            }
        }

        _greeted.TrySetResult();
    }

    /// <summary>Bytes that the server has room for.</summary>
    internal sealed class SendWindow
    {
        private readonly SemaphoreSlim _changed = new(0);
        private readonly Lock _lock = new();
        private long _size;
        private bool _closed;

        public void Grow(long by)
        {
            lock (_lock)
            {
                _size += by;
            }

            _changed.Release();
        }

        public void Close()
        {
            _closed = true;
            _changed.Release();
        }

        /// <summary>Takes up to so many; 0: the stream has ended.</summary>
        public async Task<int> TakeAsync(int most)
        {
            while (!_closed)
            {
                lock (_lock)
                {
                    int taken = (int)Math.Min(most, _size);
                    if (taken > 0)
                    {
                        _size -= taken;
                        return taken;
                    }
                }

                await _changed.WaitAsync();
            }

            return 0;
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

        /// <summary>What the server has room for of its request.</summary>
        public SendWindow Window { get; } = new();

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

        public void End()
        {
            Window.Close();
            _ended.TrySetResult();
        }
    }
}
