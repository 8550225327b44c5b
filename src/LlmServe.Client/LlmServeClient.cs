using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using LlmServe.V1;

namespace LlmServe.Client;

/// <summary>
/// A typed client of an LlmServe server. Thread-safe; one instance serves any number of calls over one connection.
/// Every call throws <see cref="RpcException"/> with the server's status and message when it fails, and when its token is cancelled
/// (<see cref="StatusCode.Cancelled"/>) or its time is over (<see cref="StatusCode.DeadlineExceeded"/>).
/// </summary>
public sealed class LlmServeClient : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly LlmServeClientOptions _options;
    private readonly Metadata? _headers;
    private readonly ChatService.ChatServiceClient _chat;
    private readonly TextService.TextServiceClient _text;
    private readonly ModelService.ModelServiceClient _models;
    private readonly Health.HealthClient _health;

    /// <summary>Prepares a connection; the first call opens it.</summary>
    /// <param name="address"><c>http://host:port</c> (HTTP/2 without TLS) or <c>https://host:port</c>.</param>
    /// <param name="options">Key, trust and limits; null: the defaults.</param>
    /// <exception cref="ArgumentException">The address has another scheme or is not absolute, or the key cannot be one.</exception>
    public LlmServeClient(Uri address, LlmServeClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.IsAbsoluteUri || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException($"The server's address is '{address}'; it must look like http://127.0.0.1:8080.", nameof(address));
        }

        Address = address;
        _options = options ?? new LlmServeClientOptions();
        _headers = HeadersOf(_options);
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = _options.MaxReceiveMessageBytes,
            HttpHandler = CreateHandler(_options),
            DisposeHttpClient = true,
        });
        _chat = new ChatService.ChatServiceClient(_channel);
        _text = new TextService.TextServiceClient(_channel);
        _models = new ModelService.ModelServiceClient(_channel);
        _health = new Health.HealthClient(_channel);
    }

    /// <summary>Prepares a connection to <paramref name="address"/>, such as <c>http://127.0.0.1:8080</c>.</summary>
    /// <exception cref="ArgumentException">The address is no absolute http or https address.</exception>
    public LlmServeClient(string address, LlmServeClientOptions? options = null)
        : this(ParseAddress(address), options)
    {
    }

    /// <summary>The server's address.</summary>
    public Uri Address { get; }

    /// <summary>Answers a conversation, piece by piece. The last piece has a finish reason, usage and timings.</summary>
    /// <remarks>Leaving the enumeration early cancels the call, which frees its place on the server.</remarks>
    public async IAsyncEnumerable<GenerationDelta> ChatAsync(
        ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var call = _chat.Chat(request, Call(cancellationToken));
        while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            yield return call.ResponseStream.Current.Delta ?? new GenerationDelta();
        }
    }

    /// <summary>Continues a text, piece by piece. The last piece has a finish reason, usage and timings.</summary>
    /// <remarks>Leaving the enumeration early cancels the call, which frees its place on the server.</remarks>
    public async IAsyncEnumerable<GenerationDelta> GenerateAsync(
        GenerateRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var call = _text.Generate(request, Call(cancellationToken));
        while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            yield return call.ResponseStream.Current.Delta ?? new GenerationDelta();
        }
    }

    /// <summary>Turns text into token ids (and pieces, if <see cref="TokenizeRequest.IncludePieces"/> asks for them).</summary>
    public async Task<TokenizeResponse> TokenizeAsync(TokenizeRequest request, CancellationToken cancellationToken = default) =>
        await _text.TokenizeAsync(request, Call(cancellationToken)).ConfigureAwait(false);

    /// <summary>Turns token ids into text.</summary>
    public async Task<string> DetokenizeAsync(DetokenizeRequest request, CancellationToken cancellationToken = default) =>
        (await _text.DetokenizeAsync(request, Call(cancellationToken)).ConfigureAwait(false)).Text;

    /// <summary>The server's models, its default model first.</summary>
    public async Task<IReadOnlyList<Model>> ListModelsAsync(CancellationToken cancellationToken = default) =>
        (await _models.ListModelsAsync(new ListModelsRequest(), Call(cancellationToken)).ConfigureAwait(false)).Models;

    /// <summary>Describes one model.</summary>
    /// <param name="model">Its id; empty: the default model.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task<Model> GetModelAsync(string model = "", CancellationToken cancellationToken = default) =>
        (await _models.GetModelAsync(new GetModelRequest { Model = model }, Call(cancellationToken)).ConfigureAwait(false)).Model;

    /// <summary>Tells what a request would get if it came now: when its first token, and how fast the others. Nothing is generated.</summary>
    public async Task<PlanResponse> PlanAsync(PlanRequest request, CancellationToken cancellationToken = default) =>
        await _models.PlanAsync(request, Call(cancellationToken)).ConfigureAwait(false);

    /// <summary>Asks for the server's health (grpc.health.v1).</summary>
    /// <param name="service">A service such as <c>llmserve.v1.ChatService</c>; empty: the server as a whole.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task<HealthCheckResponse.Types.ServingStatus> CheckHealthAsync(string service = "", CancellationToken cancellationToken = default) =>
        (await _health.CheckAsync(new HealthCheckRequest { Service = service }, Call(cancellationToken)).ConfigureAwait(false)).Status;

    /// <summary>Closes the connection; running calls are cancelled.</summary>
    public void Dispose() => _channel.Dispose();

    private static Uri ParseAddress(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri)
        ? uri
        : throw new ArgumentException($"The server's address is '{address}'; it must look like http://127.0.0.1:8080.", nameof(address));

    private static Metadata? HeadersOf(LlmServeClientOptions options)
    {
        if (options.ApiKey is not { } key)
        {
            return null;
        }

        return key.Length > 0 && key.All(c => c is > ' ' and <= '~')
            ? new Metadata { { "authorization", $"Bearer {key}" } }
            : throw new ArgumentException($"The API key has {key.Length} characters that are not all visible ASCII; check how it was copied.", nameof(options));
    }

    private static SocketsHttpHandler CreateHandler(LlmServeClientOptions options)
    {
        // Without a proxy: the usual server is on this machine.
        var handler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = true, ConnectTimeout = TimeSpan.FromSeconds(10) };
        if (options.TrustedRoots is { } roots)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        if (options.ServerCertificate is { } own)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(own.RawData);
        }

        return handler;
    }

    private CallOptions Call(CancellationToken cancellationToken) =>
        new(headers: _headers, deadline: _options.Timeout is { } timeout ? DateTime.UtcNow + timeout : null, cancellationToken: cancellationToken);
}
