using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>What the engine says of a request, as the client is told it.</summary>
internal static class EngineFailures
{
    /// <summary>The failure of a request whose fields are known.</summary>
    public static Failure Translate(EngineException exception, GenerationInput input)
    {
        string? field = exception switch
        {
            { Error: not EngineError.InvalidArgument } => null,
            { Field: "prompt" } => input.Prompt.Field,
            { Field: "log_probabilities" } => input.NameOf("logprobs"),
            { Field: "max_tokens" or "stop" } => input.NameOf(exception.Field),
            { Field: not null } => input.NameOf($"sampling.{exception.Field}"),
            _ => null,
        };
        return Translate(exception) with { Field = field };
    }

    /// <summary>The failure of a request, its fields unnamed. Not for an engine that has failed.</summary>
    public static Failure Translate(EngineException exception) => exception.Error switch
    {
        EngineError.InvalidArgument => new Failure(FailureKind.Invalid, exception.Message),
        EngineError.QueueFull or EngineError.ClientLimit => Failure.Exhausted(exception.Message),
        EngineError.Stopping => Failure.Stopping,
        _ => Failure.Internal,
    };
}
