namespace LlmServe.Conversation;

/// <summary>The types that a JSON value may have.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    Text = 8,
    List = 16,
    Object = 32,
    All = 63,
}
