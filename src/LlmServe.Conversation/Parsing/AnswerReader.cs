using System.Text;
using System.Text.Json;

namespace LlmServe.Conversation.Parsing;

/// <summary>What the parsers of formats share: reading the text of an answer as it comes, and writing its calls.</summary>
/// <param name="source">The text.</param>
/// <param name="writer">The events.</param>
/// <param name="markers">How the vocabulary writes marks.</param>
/// <param name="tools">The tools of the request.</param>
/// <param name="holdsCalls">Whether a call is held back until it is whole, since nothing makes sure that it will be right.</param>
internal sealed class AnswerReader(AnswerSource source, AnswerWriter writer, Markers markers, ToolSet tools, bool holdsCalls)
{
    // Beyond these nothing is a name or an argument's value that some schema could want.
    private const int LongestWord = 256;
    private const int LongestValue = 1 << 24;

    public AnswerSource Source => source;

    public AnswerWriter Writer => writer;

    public Markers Markers => markers;

    public ToolSet Tools => tools;

    public bool HoldsCalls => holdsCalls;

    /// <summary>Whether what is read now is reasoning.</summary>
    public bool IsReasoning { get; set; }

    /// <summary>A mark as the text has it.</summary>
    public string Mark(string name) => markers.Of(name);

    /// <summary>Whether the text ends here.</summary>
    public async Reading<bool> IsAtEndAsync() => !await source.HasAsync(1);

    /// <summary>The next character, or NUL at the end.</summary>
    public async Reading<char> PeekAsync() => await source.HasAsync(1) ? source.Unread[0] : '\0';

    /// <summary>Reads a literal if it is next; waits no longer than it may be.</summary>
    public async Reading<bool> TryTakeAsync(string literal)
    {
        for (int i = 0; i < literal.Length; i++)
        {
            if (!await source.HasAsync(i + 1) || source.Unread[i] != literal[i])
            {
                return false;
            }
        }

        source.Skip(literal.Length);
        return true;
    }

    /// <summary>Reads a literal that must be next.</summary>
    public async Reading TakeAsync(string literal)
    {
        if (!await TryTakeAsync(literal))
        {
            throw new MalformedCallException();
        }
    }

    /// <summary>Reads a mark that must be next, with white space around it.</summary>
    public async Reading TakeMarkAsync(string name)
    {
        await SkipSpaceAsync();
        await TakeAsync(Mark(name));
    }

    /// <summary>Passes over white space.</summary>
    public async Reading SkipSpaceAsync()
    {
        while (await source.HasAsync(1) && char.IsWhiteSpace(source.Unread[0]))
        {
            source.Skip(1);
        }
    }

    /// <summary>Reads a word of letters, digits and <c>_ . -</c>, which may be empty.</summary>
    public async Reading<string> WordAsync()
    {
        int length = 0;
        while (await source.HasAsync(length + 1) && IsWordPart(source.Unread[length]))
        {
            if (++length > LongestWord)
            {
                throw new MalformedCallException();
            }
        }

        string word = source.Unread[..length].ToString();
        source.Skip(length);
        return word;
    }

    /// <summary>Reads up to a literal, and the literal.</summary>
    public async Reading<string> UntilAsync(string literal)
    {
        int length = 0;
        while (await source.HasAsync(length + literal.Length))
        {
            if (source.Unread[length..].StartsWith(literal, StringComparison.Ordinal))
            {
                string text = source.Unread[..length].ToString();
                source.Skip(length + literal.Length);
                return text;
            }

            length += Parsing.Markers.CharacterLength(source.Unread[length..]);
            if (length > LongestValue)
            {
                break;
            }
        }

        throw new MalformedCallException();
    }

    /// <summary>Reads text up to one of some literals, and that literal; the text is handed on as it comes, but for what may begin a literal.</summary>
    /// <param name="literals">Where two begin at one place, the first of them counts.</param>
    /// <param name="write">Takes the text.</param>
    /// <param name="mayEnd">Whether the answer may end before any of them.</param>
    /// <returns>The index of the literal; −1 at the end of the answer.</returns>
    public async Reading<int> TextUntilAsync(string[] literals, Action<ReadOnlySpan<char>> write, bool mayEnd = false)
    {
        while (true)
        {
            var unread = source.Unread;
            int length = 0;
            bool isPart = false;
            int found = -1;
            while (length < unread.Length && found < 0)
            {
                found = Parsing.Markers.Match(unread[length..], literals, out isPart);
                if (found < 0 && isPart && !source.IsEnded)
                {
                    break;
                }

                length += found < 0 ? Parsing.Markers.CharacterLength(unread[length..]) : 0;
            }

            write(unread[..length]);
            source.Skip(length);
            if (found >= 0)
            {
                source.Skip(literals[found].Length);
                return found;
            }

            if (!await source.HasAsync(source.Available + 1) && source.Available == 0)
            {
                return mayEnd ? -1 : throw new MalformedCallException();
            }
        }
    }

    /// <summary>Lets go of what was read so far: it is no longer in doubt.</summary>
    public void Settle()
    {
        if (holdsCalls)
        {
            writer.Release();
            writer.Hold();
        }

        source.Keep();
    }

    /// <summary>Reads a JSON object or array and hands its text on as it comes.</summary>
    /// <param name="opening">What it begins with.</param>
    /// <param name="write">Takes the text.</param>
    public async Reading JsonAsync(char opening, Action<ReadOnlySpan<char>> write)
    {
        if (await PeekAsync() != opening)
        {
            throw new MalformedCallException();
        }

        var scanner = new JsonScanner();
        while (!scanner.IsDone)
        {
            if (!await source.HasAsync(1))
            {
                throw new MalformedCallException();
            }

            int length = 0;
            bool isJson = true;
            var unread = source.Unread;
            while (isJson && length < unread.Length && !scanner.IsDone)
            {
                isJson = scanner.Step(unread[length]);
                length += isJson ? 1 : 0;
            }

            write(unread[..length]);
            source.Skip(length);
            if (!isJson)
            {
                throw new MalformedCallException();
            }
        }
    }

    /// <summary>Reads a JSON string that must be next.</summary>
    public async Reading<string> JsonStringAsync()
    {
        await TakeAsync("\"");
        int length = 0;
        for (bool escaped = false; ; length++)
        {
            if (length > LongestWord || !await source.HasAsync(length + 1))
            {
                throw new MalformedCallException();
            }

            char c = source.Unread[length];
            if (c == '"' && !escaped)
            {
                break;
            }

            escaped = c == '\\' && !escaped;
        }

        string text = Decode(string.Concat("\"", source.Unread[..length], "\"")) ?? throw new MalformedCallException();
        source.Skip(length + 1);
        return text;
    }

    /// <summary>Begins a call of a tool that the answer may call.</summary>
    public void StartCall(string name, string? id = null)
    {
        if (!tools.IsCallable(name))
        {
            throw new MalformedCallException();
        }

        writer.StartCall(name, id is { Length: > 0 } ? id : null);
    }

    /// <summary>Writes a whole call whose arguments are JSON, read as they come.</summary>
    public async Reading CallAsync(string name, string? id = null)
    {
        StartCall(name, id);
        await JsonAsync('{', writer.Arguments);
        writer.EndCall();
    }

    /// <summary>A JSON string's text, or null where it is none.</summary>
    public static string? Decode(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ConversationJson.Default.String);
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return null; // the second kind: a mark stands within
        }
    }

    /// <summary>A text as a JSON string.</summary>
    public static string Encode(string text) => JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    /// <summary>Whether a text is one JSON value.</summary>
    public static bool IsJson(string text)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsWordPart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
}
