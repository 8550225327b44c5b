namespace LlmServe.Execution;

/// <summary>A value that a tick takes beside its tokens: what the layer before the program's first one gave, on another machine perhaps.</summary>
public interface ITickInput
{
    /// <summary>Its name: one of <see cref="TickOutputs"/>, as the program before calls it.</summary>
    string Name { get; }

    /// <summary>Numbers per row.</summary>
    int Columns { get; }

    /// <summary>A row of the next tick, to be filled before it begins. [Columns]</summary>
    Span<float> Row(int row);
}
