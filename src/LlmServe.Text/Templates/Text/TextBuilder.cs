using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Puts a text together and keeps which of it came from the render's input.</summary>
internal sealed class TextBuilder(int capacity = 16)
{
    private readonly StringBuilder _text = new(capacity);
    private readonly List<int> _borders = [];

    /// <summary>UTF-16 units so far.</summary>
    public int Length => _text.Length;

    /// <summary>Appends the template's own words.</summary>
    public TextBuilder Append(string text)
    {
        Turn(false, text.Length);
        _text.Append(text);
        return this;
    }

    /// <summary>Appends the template's own character, so many times.</summary>
    public TextBuilder Append(char c, int count = 1)
    {
        Turn(false, count);
        _text.Append(c, count);
        return this;
    }

    /// <summary>Appends a string with its origin.</summary>
    public TextBuilder Append(StringValue value) => Append(value, 0, value.Text.Length);

    /// <summary>Appends a part of a string with its origin.</summary>
    public TextBuilder Append(StringValue value, int start, int length)
    {
        if (value.Origin.IsUniform)
        {
            Turn(!value.Origin.IsTemplate, length);
            _text.Append(value.Text, start, length);
            return this;
        }

        foreach (var (from, to, isInput) in value.Origin.Runs(start, start + length))
        {
            Turn(isInput, to - from);
            _text.Append(value.Text, from, to - from);
        }

        return this;
    }

    /// <summary>Appends a text all of which has one origin.</summary>
    public TextBuilder Append(string text, bool isInput)
    {
        Turn(isInput, text.Length);
        _text.Append(text);
        return this;
    }

    /// <summary>Appends a string after a change that goes through it character by character and keeps the order.</summary>
    public TextBuilder AppendMapped(StringValue value, Func<string, string> change)
    {
        if (value.Origin.IsUniform)
        {
            return Append(change(value.Text), !value.Origin.IsTemplate);
        }

        foreach (var (from, to, isInput) in value.Origin.Runs(0, value.Text.Length))
        {
            Append(change(value.Text[from..to]), isInput);
        }

        return this;
    }

    public StringValue ToValue(bool isSafe = false) => new(_text.ToString(), Origin.FromBorders(_borders), isSafe);

    /// <summary>The text so far, and the stretches of it that are input.</summary>
    public RenderedText ToRendered()
    {
        var inputs = new List<TextSpan>((_borders.Count + 1) / 2);
        for (int i = 0; i < _borders.Count; i += 2)
        {
            int end = i + 1 < _borders.Count ? _borders[i + 1] : _text.Length;
            inputs.Add(new(_borders[i], end - _borders[i]));
        }

        return new(_text.ToString(), inputs);
    }

    private void Turn(bool isInput, int length)
    {
        if (length > 0 && (_borders.Count & 1) != (isInput ? 1 : 0))
        {
            _borders.Add(_text.Length);
        }
    }
}
