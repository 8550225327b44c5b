using Google.Protobuf;
using Grpc.Core;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>Binds a generated service's methods to handlers that take <see cref="Incoming{TMessage}"/>, which reads stricter than the generated marshallers.</summary>
internal sealed class IncomingBinder(ServiceBinderBase inner) : ServiceBinderBase
{
    /// <summary>Binds a unary method.</summary>
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        Bind(nameof(AddUnary), method);

    /// <summary>Binds a method that answers with a stream.</summary>
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        Bind(nameof(AddStreaming), method);

    // The generated binder promises nothing of TRequest but that it is a class; every request is a message.
    private void Bind<TRequest, TResponse>(string add, Method<TRequest, TResponse> method) where TRequest : class where TResponse : class =>
        typeof(IncomingBinder).GetMethod(add, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!
            .MakeGenericMethod(typeof(TRequest), typeof(TResponse)).Invoke(this, [method]);

    private void AddUnary<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class, IMessage<TRequest>, new() where TResponse : class =>
        inner.AddMethod(Raw(method), (UnaryServerMethod<Incoming<TRequest>, TResponse>?)null);

    private void AddStreaming<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class, IMessage<TRequest>, new() where TResponse : class =>
        inner.AddMethod(Raw(method), (ServerStreamingServerMethod<Incoming<TRequest>, TResponse>?)null);

    private static Method<Incoming<TRequest>, TResponse> Raw<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class, IMessage<TRequest>, new() where TResponse : class =>
        new(method.Type, method.ServiceName, method.Name, Marshallers.Create<Incoming<TRequest>>(
            (_, _) => throw new NotSupportedException(), context => new Incoming<TRequest>(context.PayloadAsReadOnlySequence())), method.ResponseMarshaller);
}
