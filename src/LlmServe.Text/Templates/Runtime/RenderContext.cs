using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace LlmServe.Text.Templates;

/// <summary>The state of one render: variables, output, and what is left of each limit.</summary>
internal sealed class RenderContext
{
    private const int StepsPerClockCheck = 1024;

    private readonly TemplateLimits _limits;
    private readonly Dictionary<string, Value> _inputs;
    private readonly long _deadline;
    private readonly CancellationToken _cancellation;
    private long _steps;
    private long _stepsToCheck;
    private long _text;
    private int _calls;
    private TextBuilder _output = new(1024);

    public RenderContext(TemplateLimits limits, Dictionary<string, Value> inputs, DateTimeOffset now, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        _limits = limits;
        _inputs = inputs;
        Now = now;
        _steps = limits.Steps;
        _text = limits.TextLength;
        _stepsToCheck = StepsPerClockCheck;
        _deadline = Stopwatch.GetTimestamp() + (long)Math.Min(limits.Time.TotalSeconds * Stopwatch.Frequency, long.MaxValue / 2);
    }

    public DateTimeOffset Now { get; }

    /// <summary>The variables of the body that runs now.</summary>
    public Scope Scope { get; set; } = new(null);

    /// <summary>Line of the statement that runs now.</summary>
    public int Line { get; set; }

    /// <summary>The text written so far.</summary>
    public RenderedText Output => _output.ToRendered();

    public Value Lookup(string name)
    {
        Step();
        return Scope.Find(name) ?? _inputs.GetValueOrDefault(name) ?? GlobalFunctions.Find(name) ?? UndefinedValue.Variable(name);
    }

    /// <summary>Accounts for work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(long count = 1)
    {
        _stepsToCheck -= count;
        if (_stepsToCheck < 0)
        {
            CheckSteps();
        }
    }

    /// <summary>Accounts for a string that is about to be built, before it is.</summary>
    public void ChargeText(long length)
    {
        _text -= length;
        if (_text < 0)
        {
            throw new TemplateLimitException(
                nameof(TemplateLimits.TextLength), $"the strings of the template grow beyond {_limits.TextLength} characters", Line);
        }

        Step(length >> 6);
    }

    /// <summary>Accounts for a search, which takes the product of both lengths at worst.</summary>
    public void ChargeSearch(string text, string sought)
    {
        if (sought.Length <= text.Length)
        {
            Step((text.Length >> 6) + (long)(((double)text.Length * sought.Length) / 4096));
        }
    }

    public void Write(StringValue text)
    {
        ChargeText(text.Text.Length);
        if (_output.Length + (long)text.Text.Length > _limits.OutputLength)
        {
            throw new TemplateLimitException(
                nameof(TemplateLimits.OutputLength), $"the rendered text grows beyond {_limits.OutputLength} characters", Line);
        }

        _output.Append(text);
    }

    /// <summary>Starts to collect output apart, and returns what <see cref="EndCapture"/> needs to stop that.</summary>
    public TextBuilder BeginCapture()
    {
        var outer = _output;
        _output = new TextBuilder();
        return outer;
    }

    public StringValue EndCapture(TextBuilder outer)
    {
        var text = _output.ToValue();
        _output = outer;
        return text;
    }

    /// <summary>Opens a call of a macro or a recursive loop.</summary>
    public void EnterCall()
    {
        if (++_calls > _limits.CallDepth)
        {
            throw new TemplateLimitException(nameof(TemplateLimits.CallDepth), $"macros or recursive loops call each other {_limits.CallDepth} deep", Line);
        }

        EnsureStack();
    }

    public void LeaveCall() => _calls--;

    /// <summary>Refuses to go deeper when the thread's stack is nearly used up.</summary>
    public void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateLimitException("Stack", "the template nests too deep for the thread's stack", Line);
        }
    }

    /// <summary>Depth and size of a list of these items.</summary>
    public (int Depth, long Size) Measure(Value[] items)
    {
        int depth = 0;
        long size = 1;
        foreach (var item in items)
        {
            depth = Math.Max(depth, item.Depth);
            size += item.Size;
        }

        return Checked(items.Length, depth + 1, size);
    }

    /// <summary>Depth and size of a dict of these entries.</summary>
    public (int Depth, long Size) Measure(KeyValuePair<Value, Value>[] entries)
    {
        int depth = 0;
        long size = 1;
        foreach (var (key, value) in entries)
        {
            depth = Math.Max(depth, Math.Max(key.Depth, value.Depth));
            size += key.Size + value.Size;
        }

        return Checked(entries.Length, depth + 1, size);
    }

    public int CheckDepth(int depth) => depth <= _limits.ValueDepth
        ? depth
        : throw new TemplateLimitException(nameof(TemplateLimits.ValueDepth), $"lists or dicts nest more than {_limits.ValueDepth} deep", Line);

    private (int Depth, long Size) Checked(int items, int depth, long size)
    {
        Step(items);
        return size <= _limits.Steps ? (CheckDepth(depth), size) : throw StepsExceeded();
    }

    private void CheckSteps()
    {
        long used = StepsPerClockCheck - _stepsToCheck;
        _steps -= used;
        _stepsToCheck = StepsPerClockCheck;
        if (_steps < 0)
        {
            throw StepsExceeded();
        }

        _cancellation.ThrowIfCancellationRequested();
        if (Stopwatch.GetTimestamp() > _deadline)
        {
            throw new TemplateLimitException(nameof(TemplateLimits.Time), $"the render takes more than {_limits.Time.TotalSeconds} s", Line);
        }
    }

    private TemplateLimitException StepsExceeded() =>
        new(nameof(TemplateLimits.Steps), $"the render takes more than {_limits.Steps} steps", Line);
}
