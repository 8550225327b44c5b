namespace LlmServe.Serving;

/// <summary>A call failed; <see cref="CallPipeline"/> turns it into the call's outcome. Calls that are cancelled or late end without it.</summary>
public sealed class RequestException(Failure failure) : Exception(failure.Message)
{
    /// <summary>Why.</summary>
    public Failure Failure { get; } = failure;
}
