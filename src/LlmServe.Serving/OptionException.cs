namespace LlmServe.Serving;

/// <summary>An option has a value that is not allowed. The message is a whole sentence for people; <see cref="Option"/> is for programs.</summary>
/// <param name="option">Name of the option's property, such as <c>MaxMessages</c> or <c>Metrics.Port</c>.</param>
/// <param name="message">What was found and what is allowed.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class OptionException(string option, string message, Exception? inner = null) : ArgumentException(message, option, inner)
{
    private readonly string _message = message;

    /// <summary>Name of the option's property.</summary>
    public string Option => ParamName!;

    /// <summary>What was found and what is allowed, and nothing else.</summary>
    public override string Message => _message;

    /// <summary>Throws unless <paramref name="allowed"/> holds.</summary>
    /// <param name="allowed">Whether the value is allowed.</param>
    /// <param name="option">Name of the option's property.</param>
    /// <param name="value">The value found.</param>
    /// <param name="range">What is allowed.</param>
    public static void Require(bool allowed, string option, object? value, string range)
    {
        if (!allowed)
        {
            throw new OptionException(option, $"The server option {option} is {value}; allowed is {range}.");
        }
    }
}
