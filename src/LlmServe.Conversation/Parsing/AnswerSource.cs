namespace LlmServe.Conversation.Parsing;

/// <summary>
/// The text of an answer as it comes. A parser reads it like a finished text and is suspended wherever more is needed; <see cref="Feed"/> runs it on, in the
/// caller's thread, as far as the text goes. So a parser is written once, from top to bottom, and gives the same whether text comes whole or in pieces.
/// </summary>
internal sealed class AnswerSource
{
    private const int MostKeptEmpty = 1 << 12;

    private char[] _buffer = new char[256];
    private int _start;
    private int _end;
    private int _kept = -1; // where the text begins that must not be forgotten; −1 for nothing before _start
    private int _wanted;
    private PendingReading<bool>? _waiting;

    /// <summary>Characters that have come and were not read.</summary>
    public int Available => _end - _start;

    /// <summary>Whether all of the text has come.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>What is unread.</summary>
    public ReadOnlySpan<char> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Whether so many characters are unread; waits for them unless the text ends before.</summary>
    public Reading<bool> HasAsync(int count)
    {
        if (Available >= count || IsEnded)
        {
            return new(Available >= count);
        }

        _wanted = count;
        _waiting = new();
        return new(_waiting);
    }

    /// <summary>Passes over characters that are unread.</summary>
    public void Skip(int count) => _start += count;

    /// <summary>Keeps what is read from here on for <see cref="Kept"/>.</summary>
    public void Keep() => _kept = _start;

    /// <summary>Ends keeping.</summary>
    public void Forget() => _kept = -1;

    /// <summary>What was read since <see cref="Keep"/>.</summary>
    public ReadOnlySpan<char> Kept => _buffer.AsSpan(_kept, _start - _kept);

    /// <summary>Brings more text.</summary>
    public void Feed(ReadOnlySpan<char> text)
    {
        MakeRoom(text.Length);
        text.CopyTo(_buffer.AsSpan(_end));
        _end += text.Length;
        Resume(Available >= _wanted);
    }

    /// <summary>Says that no more text will come.</summary>
    public void End()
    {
        IsEnded = true;
        Resume(true);
    }

    private void Resume(bool isDue)
    {
        if (_waiting is { } waiting && isDue)
        {
            _waiting = null;
            waiting.SetResult(Available >= _wanted);
        }
    }

    private void MakeRoom(int count)
    {
        int first = _kept >= 0 ? _kept : _start;
        if (_end + count <= _buffer.Length)
        {
            return;
        }

        int length = _end - first;
        var target = length + count <= _buffer.Length && first > 0
            ? _buffer : new char[Math.Max(length + count, Math.Max(MostKeptEmpty, 2 * length))];
        _buffer.AsSpan(first, length).CopyTo(target);
        _buffer = target;
        _kept -= _kept >= 0 ? first : 0;
        _start -= first;
        _end -= first;
    }
}
