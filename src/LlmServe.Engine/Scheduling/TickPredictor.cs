using System.Numerics;
using LlmServe.Compiler;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Predicts ticks by the compiled costs, corrected by how long ticks of as many rows have lately taken: a machine that others use too, or that was
/// measured in a bad moment, is not the one that the costs are for. The promise about a tick's time is kept with what is true now. Answers never
/// depend on it: they are the same however prompts are cut.
/// </summary>
/// <param name="executor">Predicts by compiled costs.</param>
/// <param name="learns">Whether predictions are corrected at all.</param>
internal sealed class TickPredictor(IProgramExecutor executor, bool learns)
{
    // A correction settles where one tick in five takes longer: each that does moves it up by four times what each that does not moves it down.
    private const double Up = 1.02;
    private const double Down = 1.005;
    private const double Most = 8;

    private readonly double[] _corrections = new double[33]; // [bits of the number of rows]; 0: never seen

    /// <summary>Whether the machine is measured, so that a prediction costs next to nothing.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Predicted seconds. Thread-safe once <see cref="IsReady"/>.</summary>
    /// <param name="rows">Rows of the tick.</param>
    /// <param name="logitsRows">Those that want logits.</param>
    /// <param name="context">Mean position.</param>
    public double Seconds(int rows, int logitsRows, int context)
    {
        double seconds = executor.PredictTick(rows, logitsRows, context) * Correction(KindOf(rows));
        IsReady = true; // by the first prediction at the latest
        return seconds;
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
        double correction = Correction(kind);
        double ratio = seconds / (executor.PredictTick(rows.Count, rows.LogitsCount, (int)(positions / rows.Count) + 1) * correction);
        if (learns)
        {
            Volatile.Write(ref _corrections[kind], Math.Clamp(ratio > 1 ? correction * Up : correction / Down, 1 / Most, Most));
        }

        return ratio;
    }

    /// <summary>The correction for a kind of tick; for one that was never seen, that of the nearest kind that was.</summary>
    private double Correction(int kind)
    {
        for (int distance = 0; learns && distance < _corrections.Length; distance++)
        {
            double below = distance <= kind ? Volatile.Read(ref _corrections[kind - distance]) : 0;
            double above = kind + distance < _corrections.Length ? Volatile.Read(ref _corrections[kind + distance]) : 0;
            if (below > 0 || above > 0)
            {
                return below > 0 ? below : above;
            }
        }

        return 1;
    }

    /// <summary>Ticks of as many rows as one compiled program takes are of a kind.</summary>
    private static int KindOf(int rows) => rows <= 1 ? 0 : BitOperations.Log2((uint)(rows - 1)) + 1;
}
