namespace LlmServe.Execution;

/// <summary>A value that ticks give. Look it up once, not in every tick.</summary>
public interface ITickOutput
{
    /// <summary>Its name: one of <see cref="TickOutputs"/>.</summary>
    string Name { get; }

    /// <summary>Numbers per row.</summary>
    int Columns { get; }

    /// <summary>Whether it has a row for each selected row of a tick; otherwise for each row.</summary>
    bool IsSelected { get; }

    /// <summary>A row of the last tick. [Columns] Valid until the next tick begins.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The tick had not so many rows.</exception>
    ReadOnlySpan<float> Row(int index);
}
