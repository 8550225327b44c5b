namespace LlmServe.Serving;

/// <summary>Text work with a result.</summary>
internal sealed class TextJob<TResult>(TextWorkers workers, ServedCall call, Func<TResult> work) : TextJob(workers, call)
{
    private readonly TaskCompletionSource<TResult?> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the work gives or throws; default if it is not done.</summary>
    public Task<TResult?> Result => _result.Task;

    /// <inheritdoc/>
    public override void Refuse(Failure failure)
    {
        Call.Outcome = failure;
        _result.TrySetResult(default);
    }

    /// <inheritdoc/>
    protected override void Work()
    {
        try
        {
            _result.TrySetResult(work());
        }
        catch (Exception exception)
        {
            _result.TrySetException(exception);
        }
    }
}
