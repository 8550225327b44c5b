using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>What the HTTP APIs do.</summary>
public sealed record HttpOptions
{
    /// <summary>How requests sample that do not say it.</summary>
    public DefaultSampling DefaultSampling { get; init; } = DefaultSampling.Model;

    /// <summary>Whether Ollama's API is served.</summary>
    public bool Ollama { get; init; } = true;

    /// <summary>Whether every model name that a request gives is taken for the default model: for programs whose names cannot be changed.</summary>
    public bool AcceptAnyModel { get; init; }

    /// <summary>Whether requests with fields that are unknown are refused.</summary>
    public bool StrictRequests { get; init; }

    /// <summary>Origins whose pages may call, as browsers name them, such as <c>https://example.com</c>; <c>*</c>: all; none: no page may.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Longest pause of a client that is sending a request.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Throws if a value is not allowed.</summary>
    /// <exception cref="OptionException">Says which, and what is allowed.</exception>
    public void Validate()
    {
        foreach (string origin in CorsOrigins)
        {
            OptionException.Require(
                origin == "*" || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority) == origin.TrimEnd('/')),
                nameof(CorsOrigins), $"'{origin}'", "* or an origin such as https://example.com");
        }

        OptionException.Require(LongestPause > TimeSpan.Zero, nameof(LongestPause), LongestPause, "more than 0");
    }
}
