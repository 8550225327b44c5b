namespace LlmServe.Http;

/// <summary>One answer, or a part of it.</summary>
internal sealed record TextChoice(string Text, int Index, TextLogprobs? Logprobs, string? FinishReason);
