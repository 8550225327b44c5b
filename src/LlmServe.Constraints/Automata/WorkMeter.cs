namespace LlmServe.Constraints.Automata;

/// <summary>Counts the work of compiling one rule, and stops it at the limit or when nobody waits for it any more.</summary>
internal sealed class WorkMeter(ConstraintLimits limits, CancellationToken cancellation = default)
{
    private const long StepsBetweenLooks = 65_536;

    private long _steps;
    private long _nextLook = StepsBetweenLooks;

    /// <summary>The limits that hold.</summary>
    public ConstraintLimits Limits { get; } = limits;

    /// <summary>Counts <paramref name="steps"/> steps.</summary>
    /// <exception cref="ConstraintException">There were too many.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public void Add(long steps)
    {
        _steps += steps;
        if (_steps < _nextLook)
        {
            return;
        }

        _nextLook = _steps + StepsBetweenLooks;
        cancellation.ThrowIfCancellationRequested();
        if (_steps > Limits.MaxWork)
        {
            throw new ConstraintException("the rule", $"it needs more than {Limits.MaxWork} steps of work to compile; make it smaller, or its repetitions shorter");
        }
    }

    /// <summary>Refuses more states than are allowed.</summary>
    /// <exception cref="ConstraintException">There are too many.</exception>
    public void CheckStates(int states, string rule)
    {
        if (states > Limits.MaxStates)
        {
            throw new ConstraintException(rule, $"it becomes more than {Limits.MaxStates} states; make it smaller, or its repetitions shorter");
        }
    }
}
