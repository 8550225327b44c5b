namespace LlmServe.Serving;

/// <summary>Why a call failed.</summary>
/// <param name="Kind">What kind of failure it is.</param>
/// <param name="Problem">What is wrong and what is allowed, for people; without the field.</param>
/// <param name="Field">Path of the request's field at fault, in the names of the protocol that it came by; null: no field is.</param>
public sealed record Failure(FailureKind Kind, string Problem, string? Field = null)
{
    /// <summary>Longest message: it may travel in a header, which clients limit.</summary>
    private const int LongestMessage = 2000;

    /// <summary>The server is stopping.</summary>
    public static Failure Stopping { get; } = new(FailureKind.Stopping, "the server is stopping");

    /// <summary>The client gave up.</summary>
    public static Failure Cancelled { get; } = new(FailureKind.Cancelled, "the call was cancelled");

    /// <summary>The client's deadline passed.</summary>
    public static Failure DeadlineExceeded { get; } = new(FailureKind.DeadlineExceeded, "the deadline passed");

    /// <summary>A fault of the server, without a word about the cause; the log has it.</summary>
    public static Failure Internal { get; } = new(FailureKind.Internal, "internal error; the server's log has the details");

    /// <summary>A word for programs that says more than the kind; null: the kind says all.</summary>
    public string? Code { get; init; }

    /// <summary>Where the prompt is too long: how many tokens it has, at least, and how many are allowed.</summary>
    public (long Found, long Allowed)? Size { get; init; }

    /// <summary>The message for people, which begins with the field.</summary>
    public string Message
    {
        get
        {
            string message = Field is null ? Problem : $"{Field}: {Problem}";
            return message.Length <= LongestMessage ? message : string.Concat(message.AsSpan(0, LongestMessage), "…");
        }
    }

    /// <summary>A field of the request is wrong.</summary>
    /// <param name="field">Its path.</param>
    /// <param name="problem">What is wrong with it and what is allowed.</param>
    public static Failure Invalid(string field, string problem) => new(FailureKind.Invalid, problem, field);

    /// <summary>A prompt is longer than it may be.</summary>
    /// <param name="field">The field that it came from.</param>
    /// <param name="found">Tokens that it has, at least.</param>
    /// <param name="allowed">Tokens that it may have.</param>
    /// <param name="problem">What is wrong with it and what is allowed.</param>
    public static Failure TooLong(string field, long found, long allowed, string problem) =>
        Invalid(field, problem) with { Code = "context_length_exceeded", Size = (found, allowed) };

    /// <summary>There is no room now.</summary>
    public static Failure Exhausted(string problem) => new(FailureKind.Exhausted, problem);

    /// <summary>The failure as an exception, for code that cannot return it.</summary>
    public RequestException ToException() => new(this);

    /// <summary>A client's text, short enough to repeat in a message.</summary>
    public static string Shorten(string text) => text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 77), "…");
}
