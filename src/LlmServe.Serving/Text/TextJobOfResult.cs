using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>Text work with a result.</summary>
internal sealed class TextJob<TResult>(TextWorkers workers, ServedCall call, Func<CancellationToken, TResult> work, AdmissionTicket? place)
    : TextJob(workers, call, place)
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
            _result.TrySetResult(work(Unneeded));
        }
        catch (OperationCanceledException) when (Unneeded.IsCancellationRequested)
        {
            Refuse(Reason());
        }
        catch (Exception exception)
        {
            _result.TrySetException(exception);
        }
    }
}
