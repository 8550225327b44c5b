using LlmServe.Engine;

namespace LlmServe.Http;

/// <summary>Why an answer ended, in OpenAI's words.</summary>
internal static class FinishReasons
{
    /// <summary>The word; null: it goes on.</summary>
    public static string? Of(FinishReason reason) => reason switch
    {
        FinishReason.None => null,
        FinishReason.Length => "length",
        _ => "stop",
    };
}
