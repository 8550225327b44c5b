namespace LlmServe.Engine.Planning;

/// <summary>All that a forecast starts from. It is used up by one.</summary>
/// <param name="Entries">Everyone who asks for something; the last is the one to follow.</param>
/// <param name="Admitted">Sequences that the scheduler has let in so far, which decides whose turn it is.</param>
internal readonly record struct Workload(ForecastEntry[] Entries, long Admitted);
