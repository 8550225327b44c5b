namespace LlmServe.Conversation;

/// <summary>One event of an answer, in whole characters. Texts of one kind add up; calls come one after the other.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Text">The new text, for reasoning, text and arguments.</param>
/// <param name="Index">The call's number within the answer, from 0; −1 for reasoning and text.</param>
/// <param name="Id">The call's id, where a call begins.</param>
/// <param name="Name">The tool's name, where a call begins.</param>
/// <param name="Tokens">Tokens of the answer that had been read when it was certain: those since the event before belong to it.</param>
public readonly record struct ConversationEvent(
    ConversationEventKind Kind, string Text = "", int Index = -1, string Id = "", string Name = "", int Tokens = 0);
