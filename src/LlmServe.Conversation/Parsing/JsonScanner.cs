namespace LlmServe.Conversation.Parsing;

/// <summary>Follows one JSON object or array character by character: strictly, and to a bounded depth.</summary>
internal sealed class JsonScanner
{
    private const int MostDepth = 256;

    private readonly List<bool> _isObject = []; // one per open bracket
    private State _state = State.Start;
    private string _literal = "";
    private int _seen; // of a literal, or digits of \uXXXX
    private bool _isKey;
    private bool _afterHigh;

    private enum State
    {
        Start, Value, FirstValue, Key, FirstKey, Colon, AfterValue, Text, Escape, Hex, Literal, Minus, Zero, Integer, Point, Fraction, Exponent, ExponentSign,
        ExponentDigits, Done,
    }

    /// <summary>Whether the value is whole.</summary>
    public bool IsDone => _state == State.Done;

    /// <summary>Takes the next character.</summary>
    /// <returns>False where no JSON goes on with it.</returns>
    public bool Step(char c)
    {
        switch (_state)
        {
            case State.Text:
                return StepText(c);
            case State.Escape:
                _state = c == 'u' ? State.Hex : State.Text;
                _seen = 0;
                return c == 'u' || "\"\\/bfnrt".Contains(c);
            case State.Hex:
                _state = ++_seen == 4 ? State.Text : State.Hex;
                return char.IsAsciiHexDigit(c);
            case State.Literal:
                bool fits = c == _literal[_seen++];
                _state = _seen == _literal.Length ? State.AfterValue : State.Literal;
                return fits;
            case >= State.Minus and <= State.ExponentDigits:
                return StepNumber(c);
            default:
                return c is ' ' or '\t' or '\r' or '\n' ? _state != State.Start : StepStructure(c);
        }
    }

    private bool StepText(char c)
    {
        // A low surrogate alone is no text but a mark of the format.
        bool isText = c >= ' ' && (!char.IsLowSurrogate(c) || _afterHigh);
        _afterHigh = char.IsHighSurrogate(c);
        if (c == '"')
        {
            _state = _isKey ? State.Colon : State.AfterValue;
        }
        else if (c == '\\')
        {
            _state = State.Escape;
        }

        return isText;
    }

    private bool StepStructure(char c)
    {
        switch (_state)
        {
            case State.Start:
                return c is '{' or '[' && StepValue(c);
            case State.Value:
                return StepValue(c);
            case State.FirstValue:
                return c == ']' ? Close() : StepValue(c);
            case State.FirstKey when c == '}':
                return Close();
            case State.FirstKey or State.Key:
                _isKey = true;
                _state = State.Text;
                return c == '"';
            case State.Colon:
                _state = State.Value;
                return c == ':';
            case State.AfterValue when c == ',':
                _state = _isObject[^1] ? State.Key : State.Value;
                return true;
            case State.AfterValue:
                return c == (_isObject[^1] ? '}' : ']') && Close();
            default:
                return false;
        }
    }

    private bool StepValue(char c)
    {
        switch (c)
        {
            case '{' or '[':
                _isObject.Add(c == '{');
                _state = c == '{' ? State.FirstKey : State.FirstValue;
                return _isObject.Count <= MostDepth;
            case '"':
                _isKey = false;
                _state = State.Text;
                return true;
            case 't' or 'f' or 'n':
                _literal = c == 't' ? "true" : c == 'f' ? "false" : "null";
                _seen = 1;
                _state = State.Literal;
                return true;
            case '-':
                _state = State.Minus;
                return true;
            default:
                _state = c == '0' ? State.Zero : State.Integer;
                return char.IsAsciiDigit(c);
        }
    }

    private bool StepNumber(char c)
    {
        bool isDigit = char.IsAsciiDigit(c);
        State? next = _state switch
        {
            State.Minus when isDigit => c == '0' ? State.Zero : State.Integer,
            State.Integer when isDigit => State.Integer,
            State.Zero or State.Integer when c == '.' => State.Point,
            State.Point or State.Fraction when isDigit => State.Fraction,
            State.Zero or State.Integer or State.Fraction when c is 'e' or 'E' => State.Exponent,
            State.Exponent when c is '+' or '-' => State.ExponentSign,
            State.Exponent or State.ExponentSign or State.ExponentDigits when isDigit => State.ExponentDigits,
            _ => null,
        };
        if (next is { } state)
        {
            _state = state;
            return true;
        }

        bool isWhole = _state is State.Zero or State.Integer or State.Fraction or State.ExponentDigits;
        _state = State.AfterValue;
        return isWhole && Step(c);
    }

    private bool Close()
    {
        _isObject.RemoveAt(_isObject.Count - 1);
        _state = _isObject.Count == 0 ? State.Done : State.AfterValue;
        return true;
    }
}
