using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using LlmServe.Client;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>Everything but generation and failure: models, text, health, reflection, and where a server listens.</summary>
public sealed class ServiceTests
{
    private static readonly string[] Services = ["llmserve.v1.ChatService", "llmserve.v1.TextService", "llmserve.v1.ModelService"];

    [Fact]
    public async Task ListModels_OfTwo_DescribesBothDefaultFirst()
    {
        await using var server = await TestServer.StartAsync(null, s => [s.Model("first", TestServer.Template), s.Model("second/b:1", null)]);
        var models = await server.Client.ListModelsAsync();

        Assert.Equal(["first", "second/b:1"], models.Select(model => model.Id));
        var expected = new Model
        {
            Id = "first",
            Name = "first model",
            Architecture = "fake",
            Quantization = "F0",
            ContextLength = server.Engine.ContextLength,
            VocabularySize = FakeTokenizer.Size,
            ParameterCount = 42,
            BosTokenId = FakeTokenizer.Bos,
            EosTokenId = FakeTokenizer.Eos,
            EndOfGenerationTokenIds = { FakeTokenizer.Eos, FakeTokenizer.ImEnd },
            HasChatTemplate = true,
            ChatTemplate = TestServer.Template,
            DefaultSampling = new SamplingOptions
            {
                Temperature = 0.8f, TopK = 0, TopP = 0.95f, MinP = 0.05f, RepetitionPenalty = 1, FrequencyPenalty = 0, PresencePenalty = 0,
            },
        };
        Assert.Equal(expected, models[0]);
        Assert.Equal(expected, await server.Client.GetModelAsync());
        Assert.Equal(models[1], await server.Client.GetModelAsync("second/b:1"));
        Assert.False(models[1].HasChatTemplate);
    }

    [Theory]
    [InlineData("Hello, world 日本語 😀 ß")]
    [InlineData("")]
    [InlineData("a<|im_end|>b")]
    public async Task Tokenize_WithDefaults_GivesTokenizersIdsAndDetokenizeTheText(string text)
    {
        await using var server = await TestServer.StartAsync();
        var response = await server.Client.TokenizeAsync(new TokenizeRequest { Text = text, IncludePieces = true });

        Assert.Equal([FakeTokenizer.Bos, .. server.Tokenizer.Ids(text)], response.TokenIds);
        Assert.Equal(response.TokenIds.Select(server.Tokenizer.PieceOf), response.Pieces);
        Assert.Equal(text.Replace("<|im_end|>", "", StringComparison.Ordinal),
            await server.Client.DetokenizeAsync(new DetokenizeRequest { TokenIds = { response.TokenIds } }));
        Assert.Equal("<|bos|>" + text,
            await server.Client.DetokenizeAsync(new DetokenizeRequest { TokenIds = { response.TokenIds }, SpecialTokensInText = true }));
    }

    [Fact]
    public async Task Tokenize_WithoutSpecialTokens_ReadsThemAsText()
    {
        await using var server = await TestServer.StartAsync();
        var response = await server.Client.TokenizeAsync(
            new TokenizeRequest { Text = "<|im_end|>", Options = new TokenizationOptions { AddSpecial = false, ParseSpecial = false } });

        Assert.Empty(response.Pieces);
        Assert.DoesNotContain(FakeTokenizer.ImEnd, response.TokenIds);
        Assert.Equal("<|im_end|>", await server.Client.DetokenizeAsync(new DetokenizeRequest { TokenIds = { response.TokenIds } }));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(FakeTokenizer.Size)]
    [InlineData(int.MaxValue)]
    public async Task Detokenize_OfIdOutsideVocabulary_FailsNamingIt(int id)
    {
        await using var server = await TestServer.StartAsync();
        var exception = await Calls.FailsOnAsync("token_ids[1]", () => server.Client.DetokenizeAsync(new DetokenizeRequest { TokenIds = { 1, id } }));
        Assert.Contains($"is {id}; the model's ids are 0 … 319", exception.Status.Detail, StringComparison.Ordinal);
        exception = await Calls.FailsOnAsync("token_ids.ids",
            () => server.Client.GenerateAsync(new GenerateRequest { TokenIds = new TokenIds { Ids = { 1, id } } }).ToListAsync());
        Assert.Contains($"{id}", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_FromTextAndFromItsIds_IsTheSame()
    {
        await using var server = await TestServer.StartAsync();
        var options = new GenerationOptions { MaxTokens = 20, IgnoreEndOfGeneration = true, SpecialTokensInText = true };
        var ids = (await server.Client.TokenizeAsync(new TokenizeRequest { Text = "Once upon" })).TokenIds;
        var fromText = await server.Client.GenerateAsync(new GenerateRequest { Text = "Once upon", Options = options }).ToListAsync();
        var fromIds = await server.Client.GenerateAsync(new GenerateRequest { TokenIds = new TokenIds { Ids = { ids } }, Options = options }).ToListAsync();

        Assert.Equal(20, fromText.Sum(delta => delta.TokenIds.Count));
        Assert.Equal(fromText.SelectMany(delta => delta.TokenIds), fromIds.SelectMany(delta => delta.TokenIds));
        Assert.Equal(fromText.Text(), fromIds.Text());
        Assert.Equal(ids.Count, fromIds[^1].Usage.PromptTokens);
    }

    [Fact]
    public async Task Generate_WithoutPrompt_FailsNamingField()
    {
        await using var server = await TestServer.StartAsync();
        await Calls.FailsOnAsync("text", () => server.Client.GenerateAsync(new GenerateRequest()).ToListAsync());
        await Calls.FailsOnAsync("token_ids.ids", () => server.Client.GenerateAsync(new GenerateRequest { TokenIds = new TokenIds() }).ToListAsync());
    }

    [Fact]
    public async Task CheckHealth_OfServerAndServices_IsServing()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string service in (string[])["", .. Services])
        {
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await server.Client.CheckHealthAsync(service));
        }

        await Calls.FailsAsync(StatusCode.NotFound, () => server.Client.CheckHealthAsync("no.such.Service"));
    }

    [Fact]
    public async Task Watch_MoreThanAnAddressMay_IsRefusedUntilOneEnds()
    {
        await using var server = await TestServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Host.Address);
        var health = new Health.HealthClient(channel);
        var watches = Enumerable.Range(0, BoundedHealth.MostOfAddress).Select(_ => health.Watch(new HealthCheckRequest())).ToList();
        foreach (var watch in watches)
        {
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Calls.Patience));
        }

        await Calls.FailsAsync(StatusCode.ResourceExhausted, () => health.Watch(new HealthCheckRequest()).ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await server.Client.CheckHealthAsync());
        watches.ForEach(watch => watch.Dispose());
        using var patience = new CancellationTokenSource(Calls.Patience);
        while (true)
        {
            patience.Token.ThrowIfCancellationRequested();
            using var again = health.Watch(new HealthCheckRequest());
            try
            {
                Assert.True(await again.ResponseStream.MoveNext(patience.Token));
                return;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                await Task.Delay(1, patience.Token);
            }
        }
    }

    [Fact]
    public async Task Reflection_ListServices_NamesAllOfThem()
    {
        await using var server = await TestServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Host.Address);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Calls.Patience));
        var names = call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name);
        await call.RequestStream.CompleteAsync();

        Assert.Superset(new HashSet<string>([.. Services, "grpc.health.v1.Health"]), names.ToHashSet());
    }

    [Fact]
    public async Task Reflection_SwitchedOff_IsUnimplemented()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { Reflection = false });
        using var channel = GrpcChannel.ForAddress(server.Host.Address);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await Calls.FailsAsync(StatusCode.Unimplemented, () => call.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task StartAsync_OnTakenPort_FailsAndSaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var server = await TestServer.StartAsync();
        var exception = await Assert.ThrowsAsync<ListenException>(
            () => LlmServeHost.StartAsync([server.Model("other", null)], new ServerOptions { Port = port }));
        Assert.Contains($"{port}", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("0.0.0.0")]
    public async Task StartAsync_OnHost_IsReachableAtAddress(string host)
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { Host = host });
        Assert.NotEqual(0, server.Host.Endpoint.Port);
        Assert.Equal($"http://127.0.0.1:{server.Host.Endpoint.Port}/", server.Host.Address.ToString());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await server.Client.CheckHealthAsync());
    }

    [Fact]
    public async Task StartAsync_WithWrongOptions_FailsNamingThem()
    {
        await using var server = await TestServer.StartAsync();
        var model = server.Model("m", null);
        foreach (var (options, name) in ((ServerOptions, string)[])[
            (new() { Port = -1 }, "Port"), (new() { Port = 65536 }, "Port"), (new() { Host = "example.com" }, "Host"),
            (new() { MaxMessages = 0 }, "MaxMessages"), (new() { MaxRequestBytes = 0 }, "MaxRequestBytes"),
            (new() { GracePeriod = TimeSpan.FromSeconds(-1) }, "GracePeriod")])
        {
            Assert.Equal(name, (await Assert.ThrowsAsync<OptionException>(() => LlmServeHost.StartAsync([model], options))).Option);
        }

        foreach (ServedModel[] models in (ServedModel[][])[[], [model, model], [model with { Id = "" }], [model with { Id = "a b" }]])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => LlmServeHost.StartAsync(models, new ServerOptions { Port = 0 }));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("127.0.0.1:5080")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("/socket")]
    public void Client_OfNoHttpAddress_Throws(string address) => Assert.Throws<ArgumentException>(() => new LlmServeClient(address));
}
