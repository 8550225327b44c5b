using System.Text.Json.Serialization.Metadata;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>A stream of JSON values to a client, begun with its first value so that what fails before has a status.</summary>
internal interface IAnswerStream : IAsyncDisposable
{
    /// <summary>Sends a value.</summary>
    /// <param name="eventName">The event's name, where the format has such; null: none.</param>
    /// <param name="value">The value.</param>
    /// <param name="type">How it is written.</param>
    ValueTask SendAsync<T>(string? eventName, T value, JsonTypeInfo<T> type);

    /// <summary>Tells of a failure, as the last thing.</summary>
    ValueTask SendFailureAsync(Failure failure);
}
