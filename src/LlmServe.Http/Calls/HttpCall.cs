using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>One HTTP request that is a call of the core.</summary>
internal sealed class HttpCall(HttpContext http, ServedCall call, IErrorShape errors) : IAsyncDisposable
{
    /// <summary>The request.</summary>
    public HttpContext Http => http;

    /// <summary>The call.</summary>
    public ServedCall Call => call;

    /// <summary>How failures are told.</summary>
    public IErrorShape Errors => errors;

    /// <summary>The stream that answers it; null: none does.</summary>
    public AnswerStream? Stream { get; private set; }

    /// <summary>Answers with server-sent events.</summary>
    public EventStream OpenEvents()
    {
        var stream = new EventStream(http, errors);
        Stream = stream;
        return stream;
    }

    /// <summary>Answers with lines of JSON.</summary>
    public LineStream OpenLines()
    {
        var stream = new LineStream(http, errors);
        Stream = stream;
        return stream;
    }

    /// <summary>Answers with one value.</summary>
    public async ValueTask WriteAsync<T>(T value, JsonTypeInfo<T> type)
    {
        http.Response.ContentType = HttpJson.ContentType;
        await using (var json = new Utf8JsonWriter(http.Response.BodyWriter, HttpJson.Writing))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        await http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Answers with JSON.</summary>
    public async ValueTask WriteAsync(JsonNode value)
    {
        http.Response.ContentType = HttpJson.ContentType;
        await using (var json = new Utf8JsonWriter(http.Response.BodyWriter, HttpJson.Writing))
        {
            value.WriteTo(json);
        }

        await http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Stream?.DisposeAsync() ?? ValueTask.CompletedTask;
}
