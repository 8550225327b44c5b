namespace LlmServe.Cli.Chat;

/// <summary>What has been said so far.</summary>
internal sealed class Conversation
{
    private readonly List<ChatTurn> _turns = [];

    /// <summary>The system message, or null.</summary>
    public string? System { get; set; }

    /// <summary>User and assistant messages.</summary>
    public int Count => _turns.Count;

    /// <summary>Everything, ready to be sent.</summary>
    public IReadOnlyList<ChatTurn> Messages => System is null ? [.. _turns] : [new ChatTurn("system", System), .. _turns];

    /// <summary>The user speaks.</summary>
    public void AddUser(string text) => _turns.Add(new ChatTurn("user", text));

    /// <summary>The model has spoken.</summary>
    public void AddAssistant(string text) => _turns.Add(new ChatTurn("assistant", text));

    /// <summary>Takes back a user message that got no answer.</summary>
    public void RemoveLast() => _turns.RemoveAt(_turns.Count - 1);

    /// <summary>Forgets what was said; the system message stays.</summary>
    public void Reset() => _turns.Clear();
}
