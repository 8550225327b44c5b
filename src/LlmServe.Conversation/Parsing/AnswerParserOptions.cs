using LlmServe.Conversation.Formats;

namespace LlmServe.Conversation.Parsing;

/// <summary>What an answer's parser looks for.</summary>
internal sealed record AnswerParserOptions
{
    /// <summary>How calls are written.</summary>
    public required ToolFormat Format { get; init; }

    /// <summary>The tools of the request.</summary>
    public required ToolSet Tools { get; init; }

    /// <summary>The marks around reasoning; null where it stays in the text.</summary>
    public ReasoningMarks? Reasoning { get; init; }

    /// <summary>Whether marks that begin nothing are shown in the text, as they are spelled, since reasoning stays there.</summary>
    public bool ShowsMarks { get; init; }

    /// <summary>Whether the prompt has opened the reasoning.</summary>
    public bool StartsInReasoning { get; init; }

    /// <summary>Whether calls are held back until they are whole: nothing makes sure that they are right.</summary>
    public bool HoldsCalls { get; init; } = true;

    /// <summary>Texts that end the answer.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>Where ids of calls come from.</summary>
    public ulong IdSeed { get; init; }
}
