using LlmServe.Conversation.Formats;

namespace LlmServe.Conversation.Parsing;

/// <summary>Reads an answer from its first character to its last: reasoning, then text with calls in it.</summary>
/// <param name="reader">The answer.</param>
/// <param name="options">What to look for.</param>
internal sealed class AnswerMachine(AnswerReader reader, AnswerParserOptions options)
{
    private readonly ToolFormat _format = options.Format;
    private readonly IReadOnlyList<string> _openers = reader.Tools.Callable.Count > 0 ? options.Format.Openers : [];
    private readonly AnswerSource _source = reader.Source;
    private readonly AnswerWriter _writer = reader.Writer;
    private bool _hasBlocks; // whether reasoning or calls came before, so that white space alone is no answer

    /// <summary>Reads all of it; suspended wherever more text is needed.</summary>
    public async Reading RunAsync()
    {
        if (options.Reasoning is { } reasoning && !_format.ReadsReasoning)
        {
            await ReadReasoningAsync(reasoning);
        }

        if (_format.Openers.Count == 0 && (reader.Tools.Callable.Count > 0 || _format.ReadsReasoning))
        {
            await ReadBlockAsync("");
        }

        await ReadTextAsync();
    }

    private async Reading ReadReasoningAsync(ReasoningMarks marks)
    {
        if (!options.StartsInReasoning && !await TryOpenAsync(reader.Mark(marks.Start)))
        {
            return;
        }

        // A call whose mark is a control token ends the reasoning of a model that forgot to.
        string end = reader.Mark(marks.End);
        string[] ends = [end, .. _openers.Select(reader.Mark).Where(Markers.IsToken)];
        _hasBlocks = true;
        reader.IsReasoning = true;
        await reader.SkipSpaceAsync();
        bool isEnded = await FindAsync(ends, isReasoning: true) == 0;
        reader.IsReasoning = false;
        if (isEnded)
        {
            _source.Skip(end.Length);
            await reader.SkipSpaceAsync();
        }
    }

    /// <summary>Reads a mark that begins the answer, perhaps behind white space; reads nothing where it does not.</summary>
    private async Reading<bool> TryOpenAsync(string mark)
    {
        int space = 0;
        while (await _source.HasAsync(space + 1) && char.IsWhiteSpace(_source.Unread[space]))
        {
            space++;
        }

        for (int i = 0; i < mark.Length; i++)
        {
            if (!await _source.HasAsync(space + i + 1) || _source.Unread[space + i] != mark[i])
            {
                return false;
            }
        }

        _source.Skip(space + mark.Length);
        return true;
    }

    private async Reading ReadTextAsync()
    {
        string[] marks = [.. _openers.Concat(_format.Wrappers).Select(reader.Mark)];
        while (true)
        {
            int found = await FindAsync(marks, isReasoning: false);
            if (found < 0)
            {
                return;
            }

            if (found < _openers.Count)
            {
                await ReadBlockAsync(_openers[found]);
            }
            else
            {
                _source.Skip(marks[found].Length);
            }
        }
    }

    private async Reading ReadBlockAsync(string opener)
    {
        int before = _writer.Calls;
        _hasBlocks = true;
        _source.Keep();
        _source.Skip(reader.Mark(opener).Length);
        if (reader.HoldsCalls)
        {
            _writer.Hold();
        }

        try
        {
            await _format.ReadAsync(reader, opener);
            _writer.Release();
        }
        catch (MalformedCallException)
        {
            _writer.Drop();
            bool isCut = _source.IsEnded && _source.Available == 0;
            if (reader.HoldsCalls || (_writer.Calls == before && !isCut))
            {
                _hasBlocks = _writer.Calls > 0;
                _writer.Text(reader.Markers.Spelled(_source.Kept));
            }
        }

        _source.Forget();
    }

    /// <summary>Reads text up to the first of some marks, or to the end.</summary>
    /// <param name="marks">The marks, as the text has them.</param>
    /// <param name="isReasoning">Whether it is reasoning, which loses the white space at its end.</param>
    /// <returns>The index of the mark that is next; −1 at the end of the answer.</returns>
    private async Reading<int> FindAsync(string[] marks, bool isReasoning)
    {
        int certain = 0; // characters of what is unread that begin no mark
        bool isFresh = !isReasoning;
        while (true)
        {
            bool isPart = false;
            while (certain < _source.Available && !isPart)
            {
                int found = Markers.Match(_source.Unread[certain..], marks, out isPart);
                if (found >= 0)
                {
                    int space = HeldSpace(certain, isReasoning, isFresh);
                    Write(certain - space, isReasoning);
                    _source.Skip(space);
                    return found;
                }

                isPart &= !_source.IsEnded;
                certain += isPart ? 0 : Markers.CharacterLength(_source.Unread[certain..]);
            }

            int held = HeldSpace(certain, isReasoning, isFresh);
            isFresh &= held == certain;
            Write(certain - held, isReasoning);
            certain = held;
            if (!await _source.HasAsync(_source.Available + 1) && certain == _source.Available)
            {
                Write(!isReasoning && !_hasBlocks ? held : 0, isReasoning);
                _source.Skip(_source.Available);
                return -1;
            }
        }
    }

    /// <summary>White space at the end of what is certain that is held back, since it is dropped where nothing follows: in reasoning, and before a call.</summary>
    private int HeldSpace(int certain, bool isReasoning, bool isFresh)
    {
        int start = certain;
        while (start > 0 && char.IsWhiteSpace(_source.Unread[start - 1]))
        {
            start--;
        }

        return isReasoning || (isFresh && start == 0) ? certain - start : 0;
    }

    private void Write(int length, bool isReasoning)
    {
        string text = options.ShowsMarks ? reader.Markers.Spelled(_source.Unread[..length]) : Markers.Without(_source.Unread[..length]);
        if (isReasoning)
        {
            _writer.Reasoning(text);
        }
        else
        {
            _writer.Text(text);
        }

        _source.Skip(length);
    }
}
