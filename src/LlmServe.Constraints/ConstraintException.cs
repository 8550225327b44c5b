namespace LlmServe.Constraints;

/// <summary>A rule that cannot be honoured. The message says what is wrong, where, and what would be allowed; nothing was generated.</summary>
public sealed class ConstraintException : Exception
{
    /// <param name="place">Where in the rule: a JSON pointer (<c>#/properties/a</c>), a line and column (<c>line 2, column 7</c>), or a rule's name.</param>
    /// <param name="message">What is wrong there, as a clause.</param>
    /// <param name="inner">What was met underneath, if anything.</param>
    public ConstraintException(string place, string message, Exception? inner = null) : base($"{place}: {message}", inner)
    {
        Place = place;
    }

    /// <summary>Where in the rule.</summary>
    public string Place { get; }
}
