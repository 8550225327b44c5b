using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using LlmServe.Docs.Tests.Support;
using LlmServe.V1;

namespace LlmServe.Docs.Tests;

/// <summary>What pages do with grpcurl is done by our own client in the same way: the server's reflection names the method, and the request is JSON.</summary>
public class GrpcurlTests(DocsServer server) : IClassFixture<DocsServer>
{
    private static readonly FileDescriptor[] Files = [ChatReflection.Descriptor, TextReflection.Descriptor, ModelReflection.Descriptor, HealthReflection.Descriptor];

    public static TheoryData<string> Commands =>
        [.. DocPages.BlocksOf("sh").SelectMany(block => block.Commands).Where(command => command.StartsWith("grpcurl ", StringComparison.Ordinal)).Distinct()];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Grpcurl_EveryCall_IsAnsweredThroughReflection(string command)
    {
        var words = CommandLine.Split(command).Skip(1).ToList();
        Assert.Equal("-plaintext", words[0]);
        int data = words.IndexOf("-d");
        string json = data < 0 ? "{}" : words[data + 1];
        using var channel = GrpcChannel.ForAddress($"http://{server.Authority}");
        string[] services = await ListAsync(channel);
        if (words[^1] == "list")
        {
            Assert.Contains("llmserve.v1.ChatService", services);
            return;
        }

        string[] path = words[^1].Split('/');
        Assert.Contains(path[0], services);
        var method = Files.SelectMany(file => file.Services).Single(service => service.FullName == path[0]).FindMethodByName(path[1]);
        Assert.True(method is not null, $"{command}: there is no such method");
        Assert.NotEmpty(await CallAsync(channel, method, method.InputType.Parser.ParseJson(json)));
    }

    private static async Task<string[]> ListAsync(GrpcChannel channel)
    {
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        return [.. call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name)];
    }

    private static async Task<List<IMessage>> CallAsync(GrpcChannel channel, MethodDescriptor descriptor, IMessage request)
    {
        var method = new Method<IMessage, IMessage>(
            descriptor.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary, descriptor.Service.FullName, descriptor.Name,
            Marshallers.Create(message => message.ToByteArray(), bytes => descriptor.InputType.Parser.ParseFrom(bytes)),
            Marshallers.Create(message => message.ToByteArray(), bytes => descriptor.OutputType.Parser.ParseFrom(bytes)));
        var invoker = channel.CreateCallInvoker();
        if (!descriptor.IsServerStreaming)
        {
            return [await invoker.AsyncUnaryCall(method, null, new CallOptions(), request)];
        }

        using var call = invoker.AsyncServerStreamingCall(method, null, new CallOptions(), request);
        var answers = new List<IMessage>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            answers.Add(call.ResponseStream.Current);
        }

        return answers;
    }
}
