using System.Runtime.CompilerServices;

namespace LlmServe.Conversation.Parsing;

/// <summary>
/// What a parser's method gives that reads text which may not have come yet. It is like a task, but goes on in the thread that brings the text, always and at
/// once, whatever context or scheduler that thread has; so feeding a parser is an ordinary call, and what it gives does not depend on time.
/// </summary>
/// <typeparam name="T">What is read.</typeparam>
[AsyncMethodBuilder(typeof(ReadingMethodBuilder<>))]
internal readonly struct Reading<T>
{
    private readonly T _value;
    private readonly PendingReading<T>? _pending;

    public Reading(T value)
    {
        _value = value;
        _pending = null;
    }

    public Reading(PendingReading<T> pending)
    {
        _value = default!;
        _pending = pending;
    }

    public Awaiter GetAwaiter() => new(this);

    /// <summary>Waits for a reading.</summary>
    internal readonly struct Awaiter(Reading<T> reading) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => reading._pending is not { IsCompleted: false };

        public T GetResult() => reading._pending is { } pending ? pending.GetResult() : reading._value;

        public void OnCompleted(Action continuation) => reading._pending!.OnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => reading._pending!.OnCompleted(continuation);
    }
}

/// <summary>A <see cref="Reading{T}"/> that gives nothing but its end.</summary>
[AsyncMethodBuilder(typeof(ReadingMethodBuilder))]
internal readonly struct Reading(Reading<bool> reading)
{
    /// <summary>Whether it has come to its end, with success or not.</summary>
    public bool IsCompleted => reading.GetAwaiter().IsCompleted;

    public Reading<bool>.Awaiter GetAwaiter() => reading.GetAwaiter();
}
