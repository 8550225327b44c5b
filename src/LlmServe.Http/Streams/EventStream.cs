using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Server-sent events.</summary>
internal sealed class EventStream(HttpContext http, IErrorShape errors) : AnswerStream(http, errors)
{
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    /// <inheritdoc/>
    protected override string ContentType => "text/event-stream; charset=utf-8";

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> Ping => ": ping\n\n"u8;

    /// <summary>Sends OpenAI's mark of the end.</summary>
    public ValueTask SendDoneAsync() => SendRawAsync(Done);

    /// <inheritdoc/>
    protected override void Begin(IBufferWriter<byte> output, string? eventName)
    {
        if (eventName is not null)
        {
            output.Write("event: "u8);
            Encoding.ASCII.GetBytes(eventName, output);
            output.Write("\n"u8);
        }

        output.Write("data: "u8);
    }

    /// <inheritdoc/>
    protected override void End(IBufferWriter<byte> output) => output.Write("\n\n"u8);
}
