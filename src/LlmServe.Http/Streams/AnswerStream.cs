using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>
/// What streams have in common: headers with the first value, one flush for each, and a sign of life while a long prompt is read, so that no proxy takes
/// the connection for dead. Values come from one task at a time; the signs of life come between them.
/// </summary>
internal abstract class AnswerStream : IAnswerStream
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _sending = new(1);
    private readonly Utf8JsonWriter _json;
    private readonly IErrorShape _errors;
    private readonly Timer _timer;
    private bool _started;

    /// <param name="http">The request that is answered.</param>
    /// <param name="errors">How failures are told.</param>
    protected AnswerStream(HttpContext http, IErrorShape errors)
    {
        Http = http;
        _errors = errors;
        _json = new Utf8JsonWriter(http.Response.BodyWriter, HttpJson.Writing);
        _timer = new Timer(static stream => _ = ((AnswerStream)stream!).PingAsync(), this, Silence, Silence);
    }

    /// <summary>The request that is answered.</summary>
    protected HttpContext Http { get; }

    /// <summary>The content type.</summary>
    protected abstract string ContentType { get; }

    /// <summary>A sign of life; empty: the format has none.</summary>
    protected virtual ReadOnlySpan<byte> Ping => default;

    /// <inheritdoc/>
    public async ValueTask SendAsync<T>(string? eventName, T value, JsonTypeInfo<T> type)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            Start();
            Begin(Http.Response.BodyWriter, eventName);
            _json.Reset();
            JsonSerializer.Serialize(_json, value, type);
            await _json.FlushAsync().ConfigureAwait(false);
            End(Http.Response.BodyWriter);
            await Http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            _timer.Change(Silence, Silence);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask SendFailureAsync(Failure failure)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            Start();
            Begin(Http.Response.BodyWriter, _errors.EventName);
            _errors.Write(Http.Response.BodyWriter, failure, Http.TraceIdentifier);
            End(Http.Response.BodyWriter);
            await Http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends bytes as they are.</summary>
    protected async ValueTask SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            Start();
            Http.Response.BodyWriter.Write(bytes.Span);
            await Http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _json.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Writes what stands before a value.</summary>
    protected abstract void Begin(IBufferWriter<byte> output, string? eventName);

    /// <summary>Writes what stands behind a value.</summary>
    protected abstract void End(IBufferWriter<byte> output);

    private void Start()
    {
        if (_started)
        {
            return;
        }

        _started = true;
        var response = Http.Response;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    private async Task PingAsync()
    {
        // Whoever is sending gives a sign of life by that.
        if (Ping.IsEmpty || Http.RequestAborted.IsCancellationRequested || !await _sending.WaitAsync(0).ConfigureAwait(false))
        {
            return;
        }

        try
        {
            Start();
            Http.Response.BodyWriter.Write(Ping);
            await Http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The client is gone, as whoever answers it sees too.
        }
        finally
        {
            _sending.Release();
        }
    }
}
