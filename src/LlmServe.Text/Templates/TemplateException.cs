namespace LlmServe.Text.Templates;

/// <summary>Base of everything that parsing or rendering a chat template throws.</summary>
public abstract class TemplateException : Exception
{
    private readonly string _text;

    private protected TemplateException(string message, int line)
    {
        _text = message;
        Line = line;
    }

    /// <summary>Line of the template's source, counted from 1; 0 where no line is to blame.</summary>
    public int Line { get; internal set; }

    /// <summary>What happened, with the line where one is known.</summary>
    public override string Message => Line > 0 ? $"chat template, line {Line}: {_text}" : $"chat template: {_text}";

    /// <summary>The message without its prefix.</summary>
    private protected string Text => _text;
}

/// <summary>The source is no template that this interpreter understands.</summary>
public sealed class TemplateSyntaxException : TemplateException
{
    internal TemplateSyntaxException(string message, int line)
        : base(message, line)
    {
    }
}

/// <summary>The template itself refused the conversation through <c>raise_exception</c>; the fault is the conversation's.</summary>
public sealed class TemplateRaisedException : TemplateException
{
    internal TemplateRaisedException(string message)
        : base(message, 0)
    {
    }

    /// <summary>The template's own words, and nothing else.</summary>
    public override string Message => Text;
}

/// <summary>The template did something that has no meaning, such as adding a list to a string or using an undefined value.</summary>
public sealed class TemplateRuntimeException : TemplateException
{
    internal TemplateRuntimeException(string message)
        : base(message, 0)
    {
    }
}

/// <summary>The input cannot be given to a template: a message that is no object, or text that is not Unicode.</summary>
public sealed class TemplateInputException : TemplateException
{
    internal TemplateInputException(string message)
        : base(message, 0)
    {
    }
}

/// <summary>A limit of <see cref="TemplateLimits"/> was reached.</summary>
public sealed class TemplateLimitException : TemplateException
{
    internal TemplateLimitException(string limit, string message, int line = 0)
        : base($"{message} (limit '{limit}')", line) => Limit = limit;

    /// <summary>Name of the limit: a property of <see cref="TemplateLimits"/>, or <c>Stack</c> where the thread's stack was nearly used up.</summary>
    public string Limit { get; }
}
