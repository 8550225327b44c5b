using System.Text.Json.Serialization;

namespace LlmServe.Conversation.Parsing;

/// <summary>What is read as JSON without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class ConversationJson : JsonSerializerContext;
