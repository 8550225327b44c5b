namespace LlmServe.Conversation;

/// <summary>The turns of a conversation: what a user says and all that follows up to the next user's words, calls of tools and their results included.</summary>
internal static class ConversationTurns
{
    /// <summary>Indexes of the messages of each turn, the oldest first; system messages belong to none.</summary>
    public static IReadOnlyList<IReadOnlyList<int>> Of(IReadOnlyList<ConversationMessage> messages)
    {
        var turns = new List<List<int>>();
        bool isNew = true;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role is "system" or "developer")
            {
                continue;
            }

            // Several messages of a user in a row are one turn's beginning.
            bool isUser = messages[i].Role == "user";
            if (turns.Count == 0 || (isUser && isNew))
            {
                turns.Add([]);
            }

            turns[^1].Add(i);
            isNew = !isUser;
        }

        return turns;
    }
}
