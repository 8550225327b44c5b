using System.Runtime.ExceptionServices;

namespace LlmServe.Conversation.Parsing;

/// <summary>A reading that has not come to its end; one method waits for it.</summary>
internal sealed class PendingReading<T>
{
    private T _value = default!;
    private ExceptionDispatchInfo? _error;
    private Action? _continuation;

    public bool IsCompleted { get; private set; }

    public T GetResult()
    {
        _error?.Throw();
        return _value;
    }

    public void OnCompleted(Action continuation) => _continuation = continuation;

    public void SetResult(T value)
    {
        _value = value;
        Complete();
    }

    public void SetException(Exception error)
    {
        _error = ExceptionDispatchInfo.Capture(error);
        Complete();
    }

    private void Complete()
    {
        IsCompleted = true;
        _continuation?.Invoke();
    }
}
