namespace LlmServe.Engine.Telemetry;

/// <summary>Names to listen to. What is measured stands in <c>docs/design.md</c> ("Telemetry").</summary>
public static class EngineTelemetry
{
    /// <summary>Name of the meter that all engines of a process share; the tag <c>gen_ai.request.model</c> tells them apart.</summary>
    public const string MeterName = "LlmServe";

    /// <summary>Name of the source of activities, one per request.</summary>
    public const string ActivitySourceName = "LlmServe";
}
