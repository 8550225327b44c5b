using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Predicts ticks by the compiled costs, corrected by how long ticks of their kind, small or large, have lately taken: a machine that others use too, or that was
/// measured in a bad moment, is not the one that the costs are for. The promise about a tick's time is kept with what is true now. Answers never
/// depend on it: they are the same however prompts are cut.
/// </summary>
/// <param name="executor">Predicts by compiled costs.</param>
/// <param name="learns">Whether predictions are corrected at all.</param>
internal sealed class TickPredictor(IProgramExecutor executor, bool learns)
{
    private const int Remembered = 8;
    private const double Most = 8;

    /// <summary>Ticks that what is typical is judged by.</summary>
    private const int Typical = 32;

    /// <summary>
    /// Rows of the largest small tick. Small ticks wait for memory, large ones for arithmetic, and what else runs slows the two down differently. More
    /// kinds would each be seen too rarely: one that was slow twice would be avoided, and never be seen again.
    /// </summary>
    private const int SmallTick = 8;

    private readonly double[] _ratios = new double[2 * Remembered]; // [small or large, ticks]; measured over compiled, the last ticks in any order
    private readonly double[] _recent = new double[2 * Typical]; // [small or large, ticks]; the same of more ticks
    private readonly double[] _typical = new double[2]; // median of those; 0: never seen
    private readonly int[] _rows = new int[Remembered]; // [ticks]; of the large ones
    private readonly long[] _seen = new long[2];
    private readonly double[] _corrections = new double[2]; // 0: never seen
    private volatile bool _hasLearned;
    private volatile int _trusted = int.MaxValue;

    /// <summary>Whether the machine is measured.</summary>
    public bool IsReady => executor.Costs.IsMeasured;

    /// <summary>Whether predictions follow ticks that were measured.</summary>
    public bool HasLearned => _hasLearned;

    /// <summary>
    /// The most rows of a tick whose prediction can be trusted: twice those of the largest tick that corrections were learned from, since small ticks tell
    /// little about ones several times as large.
    /// </summary>
    public int TrustedRows => _trusted;

    /// <summary>Predicted seconds. Thread-safe.</summary>
    /// <param name="rows">Rows of the tick.</param>
    /// <param name="logitsRows">Those that want logits.</param>
    /// <param name="context">Mean position.</param>
    public double Seconds(int rows, int logitsRows, int context) =>
        Seconds(rows, logitsRows, context, Correction(KindOf(rows)));

    /// <summary>The same, and never less than the compiled costs: for work that can be left out.</summary>
    /// <param name="rows">Rows of the tick.</param>
    /// <param name="logitsRows">Those that want logits.</param>
    /// <param name="context">Mean position.</param>
    public double CautiousSeconds(int rows, int logitsRows, int context) =>
        Seconds(rows, logitsRows, context, Math.Max(1, Correction(KindOf(rows))));

    /// <summary>What such a tick takes as a rule: neither more nor less often than not. For forecasts, which are no promises.</summary>
    /// <param name="rows">Rows of the tick.</param>
    /// <param name="logitsRows">Those that want logits.</param>
    /// <param name="context">Mean position.</param>
    public double TypicalSeconds(int rows, int logitsRows, int context)
    {
        double own = Volatile.Read(ref _typical[KindOf(rows)]);
        double known = own > 0 ? own : Volatile.Read(ref _typical[1 - KindOf(rows)]);
        return Seconds(rows, logitsRows, context, known > 0 ? known : 1);
    }

    /// <summary>Compares a tick that is just over, and whose rows still stand in the row table, with its prediction.</summary>
    /// <param name="seconds">What it took.</param>
    /// <returns>Measured over predicted.</returns>
    public double Learn(double seconds)
    {
        var rows = executor.Rows;
        long positions = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            positions += rows.Positions[row];
        }

        int kind = KindOf(rows.Count);
        double compiled = executor.Costs.Seconds(rows.Count, rows.SelectedCount, (int)(positions / rows.Count) + 1);
        double ratio = seconds / (compiled * Correction(kind));
        if (learns)
        {
            int place = (int)(_seen[kind] % Remembered);
            _ratios[(kind * Remembered) + place] = Math.Clamp(seconds / compiled, 1 / Most, Most);
            _recent[(kind * Typical) + (int)(_seen[kind] % Typical)] = seconds / compiled;
            _seen[kind]++;
            Volatile.Write(ref _typical[kind], Median(kind));
            _rows[place] = kind == 0 ? _rows[place] : rows.Count;
            _trusted = 2 * Math.Max(SmallTick, _rows.Max());
            Volatile.Write(ref _corrections[kind], SecondLargest(kind));
            _hasLearned = true;
        }

        return ratio;
    }

    private double Seconds(int rows, int logitsRows, int context, double correction) => executor.Costs.Seconds(rows, logitsRows, context) * correction;

    /// <summary>Of the last ticks of a kind the slowest but one: promises need more than the mean, and a single disturbed tick says nothing.</summary>
    private double SecondLargest(int kind)
    {
        double largest = 0, second = 0;
        foreach (double ratio in _ratios.AsSpan(kind * Remembered, (int)Math.Min(_seen[kind], Remembered)))
        {
            second = Math.Max(second, Math.Min(largest, ratio));
            largest = Math.Max(largest, ratio);
        }

        return second > 0 ? second : largest;
    }

    private double Median(int kind)
    {
        Span<double> sorted = stackalloc double[Typical];
        int count = (int)Math.Min(_seen[kind], Typical);
        _recent.AsSpan(kind * Typical, count).CopyTo(sorted);
        sorted[..count].Sort();
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    }

    /// <summary>The correction for a kind of tick; for one that was never seen, the other's.</summary>
    private double Correction(int kind)
    {
        double own = Volatile.Read(ref _corrections[kind]);
        double known = own > 0 ? own : Volatile.Read(ref _corrections[1 - kind]);
        return known > 0 ? known : 1;
    }

    private static int KindOf(int rows) => rows <= SmallTick ? 0 : 1;
}
