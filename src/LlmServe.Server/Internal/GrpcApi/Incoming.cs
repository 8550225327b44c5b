using System.Buffers;
using Google.Protobuf;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>
/// A request message as it came. A short one is read at once; a long one is kept as bytes until a text worker has time for it, so that reading it holds
/// up nobody.
/// </summary>
internal sealed class Incoming<TMessage> where TMessage : class, IMessage<TMessage>, new()
{
    /// <summary>Longest message that is read at once: some ten microseconds.</summary>
    private const int ShortMessage = 8 << 10;

    /// <summary>Unknown fields are dropped, so that they cannot fill the memory.</summary>
    private static readonly MessageParser Parser = new TMessage().Descriptor.Parser.WithDiscardUnknownFields(true);

    private readonly TMessage? _message;
    private readonly Failure? _failure;
    private byte[]? _bytes;
    private readonly int _length;

    /// <summary>Takes a client's bytes; nothing is thrown.</summary>
    public Incoming(ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length > ShortMessage)
        {
            _length = (int)bytes.Length;
            _bytes = ArrayPool<byte>.Shared.Rent(_length);
            bytes.CopyTo(_bytes);
            return;
        }

        try
        {
            _message = (TMessage)Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            _failure = Malformed(exception);
        }
    }

    /// <summary>Reads the message and makes of it what the core takes.</summary>
    /// <param name="call">The call.</param>
    /// <param name="core">Whose text workers read long messages.</param>
    /// <param name="read">Makes it. [any thread]</param>
    /// <returns>Null: the call was given up, or there is no room, as its outcome says.</returns>
    /// <exception cref="RequestException">The bytes are no such message, or it says something wrong.</exception>
    public ValueTask<TInput?> ReadAsync<TInput>(ServedCall call, ServingCore core, Func<TMessage, TInput> read) where TInput : class
    {
        if (_bytes is not null)
        {
            return ReadLongAsync(call, core, read);
        }

        return _message is not null ? ValueTask.FromResult<TInput?>(read(_message)) : throw _failure!.ToException();
    }

    private async ValueTask<TInput?> ReadLongAsync<TInput>(ServedCall call, ServingCore core, Func<TMessage, TInput> read) where TInput : class
    {
        byte[] bytes = _bytes!;
        _bytes = null;
        try
        {
            return await core.Texts.WorkAsync(call, () => read(Parse(bytes.AsSpan(0, _length)))).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static TMessage Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return (TMessage)Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw Malformed(exception).ToException();
        }
    }

    private static Failure Malformed(InvalidProtocolBufferException exception) =>
        new(FailureKind.Invalid, $"the request is not a valid {typeof(TMessage).Name} message: {exception.Message}");
}
