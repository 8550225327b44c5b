namespace LlmServe.Conversation;

/// <summary>A member of an object that a schema describes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsRequired">Whether it must be there.</param>
/// <param name="Schema">What its value must be.</param>
internal sealed record ArgumentMember(string Name, bool IsRequired, ArgumentSchema Schema);
