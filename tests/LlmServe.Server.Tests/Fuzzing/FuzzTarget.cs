using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using LlmServe.Engine;
using LlmServe.Protocol;
using LlmServe.Http;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;
using LlmServe.Text.Templates;
using LlmServe.V1;
using Microsoft.AspNetCore.Http;
using ChatMessage = LlmServe.V1.ChatMessage;
using SamplingOptions = LlmServe.V1.SamplingOptions;

namespace LlmServe.Server.Tests.Fuzzing;

/// <summary>The server's endpoints behind their reader and the core, without a network, on a fake model with a tiny context.</summary>
internal sealed class FuzzTarget : IAsyncDisposable
{
    public static readonly FakeExecutorOptions TinyModel = new() { ContextLength = 96, KvBlocks = 64 };

    private readonly LlmEngine _engine = new(new FakeExecutor(TinyModel), new FakeTokenizer(), new EngineOptions());
    private readonly ServingCore _core;
    private readonly Func<byte[], Task>[] _methods;

    public FuzzTarget()
    {
        var options = new ServerOptions();
        _core = new ServingCore([new ServedModel { Id = "fake", Engine = _engine, Template = ChatTemplate.Parse(TestServer.Template) }], options);
        var calls = new GrpcCalls(_core);
        var reader = new GenerationReader(_core.Models, options, options.DefaultOutputTokens);
        var chat = new ChatEndpoint(calls, reader, _core.Generations);
        var text = new TextEndpoint(calls, reader, _core);
        var models = new ModelEndpoint(calls, reader, _core);
        _methods =
        [
            Streaming<ChatRequest, ChatResponse>(chat.Chat), Streaming<GenerateRequest, GenerateResponse>(text.Generate),
            Unary<TokenizeRequest, TokenizeResponse>(text.Tokenize), Unary<DetokenizeRequest, DetokenizeResponse>(text.Detokenize),
            Unary<GetModelRequest, GetModelResponse>(models.GetModel), Unary<ListModelsRequest, ListModelsResponse>(models.ListModels),
            Unary<PlanRequest, PlanResponse>(models.Plan),
        ];
    }

    /// <summary>The methods, in the order of <see cref="RunAsync"/>'s numbers.</summary>
    public static IReadOnlyList<(string Service, string Method)> Methods { get; } =
    [
        ("llmserve.v1.ChatService", "Chat"), ("llmserve.v1.TextService", "Generate"), ("llmserve.v1.TextService", "Tokenize"),
        ("llmserve.v1.TextService", "Detokenize"), ("llmserve.v1.ModelService", "GetModel"), ("llmserve.v1.ModelService", "ListModels"),
        ("llmserve.v1.ModelService", "Plan"),
    ];

    /// <summary>Valid messages, several per method, that between them use every field.</summary>
    public static IReadOnlyList<byte[]>[] Corpus { get; } =
    [
        [
            Bytes(TestServer.Chat("Hi")),
            Bytes(new ChatRequest
            {
                Model = "fake", AddGenerationPrompt = true, ToolsJson = """[{"type": "function", "function": {"name": "f"}}]""",
                TemplateVariablesJson = """{"mood": 1.50}""", Options = Options(),
                Messages = { new ChatMessage { Role = "user", Content = "日本 😀" }, new ChatMessage { Role = "assistant", FieldsJson = """{"a": []}""" } },
            }),
        ],
        [
            Bytes(new GenerateRequest { Text = "Hello <|im_start|>", Options = Options(), Tokenization = new() { AddSpecial = false } }),
            Bytes(new GenerateRequest { Model = "fake", TokenIds = new TokenIds { Ids = { 1, 319, 200, 0 } }, Options = new() { MaxTokens = 3 } }),
        ],
        [Bytes(new TokenizeRequest { Model = "fake", Text = "a é 日本語", IncludePieces = true, Options = new() { ParseSpecial = false } })],
        [Bytes(new DetokenizeRequest { Model = "fake", TokenIds = { 1, 2, 3, 260, 319 }, SpecialTokensInText = true })],
        [Bytes(new GetModelRequest { Model = "fake" })],
        [Bytes(new ListModelsRequest()), [0x0A, 0x01, 0x41]],
        [
            Bytes(new PlanRequest { Chat = TestServer.Chat("Hi", Options()) }),
            Bytes(new PlanRequest { Generate = new GenerateRequest { Text = "Hello", Options = Options() } }),
            Bytes(new PlanRequest { Size = new RequestSize { Model = "fake", PromptTokens = 40, MaxTokens = 10 } }),
        ],
    ];

    /// <summary>Runs one message as a call; fails with the status as the server would.</summary>
    public Task RunAsync(int method, byte[] message) => _methods[method](message);

    public ValueTask DisposeAsync()
    {
        _core.Dispose();
        return _engine.DisposeAsync();
    }

    private static GenerationOptions Options() => new()
    {
        MaxTokens = 8,
        Stop = { "STOP", "\n\n" },
        Logprobs = 2,
        IgnoreEndOfGeneration = true,
        SpecialTokensInText = true,
        Sampling = new SamplingOptions
        {
            Temperature = 0.8f,
            TopK = 40,
            TopP = 0.9f,
            MinP = 0.05f,
            RepetitionPenalty = 1.1f,
            RepetitionWindow = 64,
            FrequencyPenalty = 0.1f,
            PresencePenalty = 0.2f,
            LogitBias = { { 5, 1.5f }, { 300, -100 } },
            Seed = 42,
        },
    };

    private static byte[] Bytes(IMessage message) => message.ToByteArray();

    private static Func<byte[], Task> Unary<TRequest, TResponse>(Func<Incoming<TRequest>, ServerCallContext, Task<TResponse>> method)
        where TRequest : class, IMessage<TRequest>, new() =>
        bytes => method(new Incoming<TRequest>(new ReadOnlySequence<byte>(bytes)), new FakeCall());

    /// <summary>A stream's failure is the call's status; here it is thrown like all others.</summary>
    private static Func<byte[], Task> Streaming<TRequest, TResponse>(Func<Incoming<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> method)
        where TRequest : class, IMessage<TRequest>, new() =>
        async bytes =>
        {
            var call = new FakeCall();
            await method(new Incoming<TRequest>(new ReadOnlySequence<byte>(bytes)), new NullWriter<TResponse>(), call);
            if (call.Status.StatusCode != StatusCode.OK)
            {
                throw new RpcException(call.Status, call.ResponseTrailers);
            }
        };

    private sealed class NullWriter<T> : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message) => Task.CompletedTask;
    }

    /// <summary>A call without a client or a deadline.</summary>
    private sealed class FakeCall : ServerCallContext
    {
        private static readonly ServedClient Client = new("fuzz");

        // Where Grpc.AspNetCore looks for a call's HTTP side.
        protected override IDictionary<object, object> UserStateCore { get; } = new Dictionary<object, object> { ["__HttpContext"] = NewRequest() };

        protected override string MethodCore => "/fuzz";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore { get; } = new(null, []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
            throw new NotSupportedException("no call is propagated here");

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;

        private static DefaultHttpContext NewRequest()
        {
            var http = new DefaultHttpContext();
            http.Features.Set(new ClientFeature(Client));
            return http;
        }
    }
}
