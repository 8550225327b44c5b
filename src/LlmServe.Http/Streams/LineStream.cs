using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>A JSON value on each line.</summary>
internal sealed class LineStream(HttpContext http, IErrorShape errors) : AnswerStream(http, errors)
{
    /// <inheritdoc/>
    protected override string ContentType => "application/x-ndjson";

    /// <inheritdoc/>
    protected override void Begin(IBufferWriter<byte> output, string? eventName)
    {
    }

    /// <inheritdoc/>
    protected override void End(IBufferWriter<byte> output) => output.Write("\n"u8);
}
