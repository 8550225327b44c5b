using System.Runtime.CompilerServices;

namespace LlmServe.Conversation.Parsing;

/// <summary>Builds the async methods that return a <see cref="Reading{T}"/>; the compiler calls it.</summary>
internal struct ReadingMethodBuilder<T>
{
    private PendingReading<T>? _pending;
    private Action? _moveNext;
    private T _value;

    public static ReadingMethodBuilder<T> Create() => default;

    public readonly Reading<T> Task => _pending is { } pending ? new(pending) : new(_value);

    public readonly void Start<TStateMachine>(ref TStateMachine machine) where TStateMachine : IAsyncStateMachine => machine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine machine)
    {
    }

    public void SetResult(T value)
    {
        if (_pending is null)
        {
            _value = value;
        }
        else
        {
            _pending.SetResult(value);
        }
    }

    public void SetException(Exception error) => (_pending ??= new()).SetException(error);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine machine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Continuation(ref machine));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine machine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Continuation(ref machine));

    /// <summary>The method's rest. The machine, with this builder in it, moves to the heap at the first wait.</summary>
    private Action Continuation<TStateMachine>(ref TStateMachine machine) where TStateMachine : IAsyncStateMachine
    {
        if (_moveNext is null)
        {
            _pending = new();
            var box = new Box<TStateMachine>();
            _moveNext = box.MoveNext;
            box.Machine = machine; // a copy, taken when the builder in it knows its continuation
        }

        return _moveNext;
    }

    private sealed class Box<TStateMachine> where TStateMachine : IAsyncStateMachine
    {
        public TStateMachine Machine = default!;

        public void MoveNext() => Machine.MoveNext();
    }
}

/// <summary>Builds the async methods that return a <see cref="Reading"/>; the compiler calls it.</summary>
internal struct ReadingMethodBuilder
{
    private ReadingMethodBuilder<bool> _builder;

    public static ReadingMethodBuilder Create() => default;

    public readonly Reading Task => new(_builder.Task);

    public readonly void Start<TStateMachine>(ref TStateMachine machine) where TStateMachine : IAsyncStateMachine => machine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine machine)
    {
    }

    public void SetResult() => _builder.SetResult(true);

    public void SetException(Exception error) => _builder.SetException(error);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine machine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref machine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine machine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref machine);
}
