namespace LlmServe.Engine;

/// <summary>Where a predicted value should fall in four of five cases, judged by how the last requests went.</summary>
/// <param name="Low">In one of ten cases it is lower.</param>
/// <param name="High">In one of ten cases it is higher.</param>
public readonly record struct PredictedRange(double Low, double High)
{
    /// <summary>Whether a value fell inside.</summary>
    public bool Contains(double value) => value >= Low && value <= High;
}
