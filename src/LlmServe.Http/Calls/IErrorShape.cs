using System.Buffers;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>How an API tells its clients of failures.</summary>
internal interface IErrorShape
{
    /// <summary>The HTTP status of a failure.</summary>
    int StatusOf(Failure failure);

    /// <summary>Writes a failure's JSON, as the whole body or as the data of an event.</summary>
    void Write(IBufferWriter<byte> output, Failure failure, string requestId);

    /// <summary>The name of the event that tells of a failure in a stream that has begun; null: it has none.</summary>
    string? EventName => null;
}
