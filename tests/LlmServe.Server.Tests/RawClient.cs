using Grpc.Core;
using Grpc.Net.Client;

namespace LlmServe.Server.Tests;

/// <summary>Sends any bytes as the message of a call, as a client with another idea of the API would.</summary>
internal sealed class RawClient(Uri address) : IDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = true },
        DisposeHttpClient = true,
        MaxReceiveMessageSize = null,
        MaxSendMessageSize = null,
    });

    /// <summary>Calls a method, with a stream of answers or one, and reads to the end.</summary>
    /// <param name="service">Full name of the service.</param>
    /// <param name="method">Name of the method.</param>
    /// <param name="message">Body of the request message.</param>
    /// <param name="headers">Headers to send along.</param>
    public async Task<(Status Status, List<byte[]> Messages)> StreamAsync(string service, string method, byte[] message, Metadata? headers = null)
    {
        // A unary answer is a stream of one, as far as the wire goes.
        var description = new Method<byte[], byte[]>(MethodType.ServerStreaming, service, method, Bytes, Bytes);
        var messages = new List<byte[]>();
        using var call = _channel.CreateCallInvoker().AsyncServerStreamingCall(
            description, null, new CallOptions(headers, DateTime.UtcNow + Calls.Patience), message);
        try
        {
            await foreach (byte[] answer in call.ResponseStream.ReadAllAsync())
            {
                messages.Add(answer);
            }

            return (call.GetStatus(), messages);
        }
        catch (RpcException exception)
        {
            return (exception.Status, messages);
        }
    }

    public void Dispose() => _channel.Dispose();
}
