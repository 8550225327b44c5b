using System.Buffers;
using Google.Protobuf;
using Grpc.Core;

namespace LlmServe.Server.Internal;

/// <summary>
/// Binds a generated service with a stricter reading of requests: bytes that are no valid message fail with INVALID_ARGUMENT (the generated
/// reader's exception would become UNKNOWN), and unknown fields are dropped instead of kept, so that they cannot fill the memory.
/// </summary>
internal sealed class StrictBinder(ServiceBinderBase inner) : ServiceBinderBase
{
    /// <summary>Binds a unary method.</summary>
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Strict(method), handler);

    /// <summary>Binds a method that answers with a stream.</summary>
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Strict(method), handler);

    /// <summary>Reads a message from a client's bytes.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: the bytes are no such message.</exception>
    internal static TMessage Read<TMessage>(MessageParser parser, ReadOnlySequence<byte> bytes)
    {
        try
        {
            return (TMessage)parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw Failures.Malformed(typeof(TMessage).Name, exception.Message);
        }
    }

    /// <summary>The parser of a generated message type, told to drop unknown fields.</summary>
    internal static MessageParser ParserOf<TMessage>() =>
        ((IMessage)Activator.CreateInstance(typeof(TMessage))!).Descriptor.Parser.WithDiscardUnknownFields(true);

    private static Method<TRequest, TResponse> Strict<TRequest, TResponse>(Method<TRequest, TResponse> method)
    {
        var parser = ParserOf<TRequest>();
        var marshaller = Marshallers.Create<TRequest>(
            method.RequestMarshaller.ContextualSerializer, context => Read<TRequest>(parser, context.PayloadAsReadOnlySequence()));
        return new Method<TRequest, TResponse>(method.Type, method.ServiceName, method.Name, marshaller, method.ResponseMarshaller);
    }
}
