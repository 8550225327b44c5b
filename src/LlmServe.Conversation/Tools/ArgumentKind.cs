namespace LlmServe.Conversation;

/// <summary>How a format that is not JSON writes an argument.</summary>
internal enum ArgumentKind
{
    /// <summary>A string, as it is.</summary>
    Text,

    /// <summary>JSON.</summary>
    Json,

    /// <summary>JSON where it is a value of one of the other types that the schema allows; else a string, as it is.</summary>
    TextOrJson,
}
