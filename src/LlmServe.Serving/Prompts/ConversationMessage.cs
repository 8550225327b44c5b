using System.Text.Json;

namespace LlmServe.Serving;

/// <summary>A message of a conversation.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">What was said; null: the template sees a message without content.</param>
/// <param name="Fields">Further keys for the template, in order; neither role nor content.</param>
public readonly record struct ConversationMessage(string Role, string? Content, IReadOnlyList<KeyValuePair<string, JsonElement>> Fields);
