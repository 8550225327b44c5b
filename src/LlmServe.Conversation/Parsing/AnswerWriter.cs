using System.Text;

namespace LlmServe.Conversation.Parsing;

/// <summary>
/// Collects the events of an answer: texts of one kind that come together are one event. Stop texts are looked for in the answer's text alone, never in
/// reasoning or arguments; from the first one on nothing more is written.
/// </summary>
internal sealed class AnswerWriter(StopTexts stops, CallIds ids)
{
    private readonly List<ConversationEvent> _events = [];
    private readonly StringBuilder _open = new();
    private List<ConversationEvent>? _held;
    private ConversationEventKind _kind;
    private int _callsHeld;

    /// <summary>Calls that have begun, held ones included.</summary>
    public int Calls { get; private set; }

    /// <summary>Whether the answer has any text or reasoning behind it.</summary>
    public bool HasText { get; private set; }

    /// <summary>The stop text that was written; null: none.</summary>
    public string? StopText => stops.Found;

    public void Reasoning(ReadOnlySpan<char> text) => Append(ConversationEventKind.Reasoning, text);

    public void Text(ReadOnlySpan<char> text)
    {
        if (text.Length > 0)
        {
            HasText = true;
            Append(ConversationEventKind.Text, text);
        }
    }

    public void StartCall(string name, string? id)
    {
        Close();
        Add(new(ConversationEventKind.ToolCallStart, "", Calls, id ?? ids.Next(Calls), name));
        Calls++;
    }

    public void Arguments(ReadOnlySpan<char> text) => Append(ConversationEventKind.ToolCallArguments, text);

    public void EndCall()
    {
        Close();
        Add(new(ConversationEventKind.ToolCallEnd, "", Calls - 1));
    }

    /// <summary>Holds back what is written until it is known to be right.</summary>
    public void Hold()
    {
        Close();
        _held ??= [];
        _callsHeld = Calls;
    }

    /// <summary>Lets go of what was held back.</summary>
    public void Release()
    {
        Close();
        var held = _held;
        _held = null;
        _events.AddRange(held ?? []);
    }

    /// <summary>Forgets what was held back.</summary>
    public void Drop()
    {
        Close();
        if (_held is not null)
        {
            _held = null;
            Calls = _callsHeld;
        }
    }

    /// <summary>Hands over the events so far.</summary>
    /// <param name="into">Where to.</param>
    /// <param name="isLast">Whether no more will come, so that nothing need be held back.</param>
    public void Take(List<ConversationEvent> into, bool isLast)
    {
        Close();
        foreach (var item in _events)
        {
            if (stops.Found is not null)
            {
                break;
            }

            if (item.Kind != ConversationEventKind.Text)
            {
                AddText(into, stops.Flush());
                into.Add(item);
                continue;
            }

            AddText(into, stops.Append(item.Text));
        }

        _events.Clear();
        if (isLast)
        {
            AddText(into, stops.Flush());
        }
    }

    private static void AddText(List<ConversationEvent> into, string text)
    {
        if (text.Length > 0)
        {
            into.Add(new(ConversationEventKind.Text, text));
        }
    }

    private void Append(ConversationEventKind kind, ReadOnlySpan<char> text)
    {
        if (_open.Length > 0 && _kind != kind)
        {
            Close();
        }

        _kind = kind;
        _open.Append(text);
    }

    private void Close()
    {
        if (_open.Length > 0)
        {
            Add(new(_kind, _open.ToString(), _kind == ConversationEventKind.ToolCallArguments ? Calls - 1 : -1));
            _open.Clear();
        }
    }

    private void Add(ConversationEvent item) => (_held ?? _events).Add(item);
}
