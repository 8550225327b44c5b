namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Keeps the promised time of a tick: how many prompt rows fit beside its decoding rows, and whether guesses do, by predicted time. Thread-safe once a first prediction was made.
/// </summary>
/// <param name="predictor">Predicts.</param>
/// <param name="maxSeconds">What a tick with decoding rows, and all that comes with it, may last.</param>
/// <param name="inSteps">Whether ticks grow step by step, to <see cref="TickPredictor.TrustedRows"/>; forecasts see beyond the next few ticks.</param>
internal sealed class TickBudget(TickPredictor predictor, double maxSeconds, bool inSteps)
{
    /// <summary>
    /// Share of the promised time that a tick with prompt rows is planned to last where predictions follow measured ticks: of a hundred such ticks the
    /// slowest take about one and a half times what was learned of them, and choosing and sending tokens takes time too. Compiled costs alone know of neither.
    /// </summary>
    private const double PlannedShare = 0.6;

    /// <summary>The same for ticks of decoding rows and guesses, which are short.</summary>
    private const double GuessedShare = 0.9;

    /// <summary>Prompt rows that a tick takes even when decoding alone uses up the promised time; otherwise prompts would starve.</summary>
    public const int LeastPromptRows = 8;

    private double Planned(double share) => predictor.HasLearned ? share * maxSeconds : maxSeconds;

    /// <summary>The most prompt rows whose tick is predicted to keep the promised time beside the decoding rows.</summary>
    /// <param name="most">Rows that the tick has left.</param>
    /// <param name="decodeRows">Decoding rows; without any nobody waits for the tick, and all rows may be taken.</param>
    /// <param name="decodePositions">Sum of their positions.</param>
    /// <param name="promptPosition">Position of the first prompt row.</param>
    /// <param name="otherRows">Rows of other prompts that the tick has already; together with them a few rows are taken whatever they cost.</param>
    /// <param name="otherPositions">Sum of their positions.</param>
    /// <param name="othersWait">Whether somebody waits for the tick even without decoding rows.</param>
    public int PromptRows(
        int most, int decodeRows, long decodePositions, int promptPosition, int otherRows = 0, long otherPositions = 0, bool othersWait = false)
    {
        if (decodeRows == 0 && !othersWait)
        {
            return most;
        }

        double planned = Planned(PlannedShare);
        int low = Math.Min(Math.Max(LeastPromptRows - otherRows, 0), most);
        int high = inSteps ? Math.Clamp(predictor.TrustedRows - decodeRows - otherRows, low, most) : most;
        while (low < high)
        {
            int rows = low + (high - low + 1) / 2;
            if (Seconds(rows, decodeRows, decodePositions, promptPosition, otherRows, otherPositions) <= planned)
            {
                low = rows;
            }
            else
            {
                high = rows - 1;
            }
        }

        return low;
    }

    /// <summary>Whether a tick keeps the promised time with guesses in it, which are left out where that is not sure.</summary>
    /// <param name="rows">Its rows, all of which want logits.</param>
    /// <param name="context">Their mean position.</param>
    /// <param name="drafting">Seconds that a draft model takes before it.</param>
    public bool Fits(int rows, int context, double drafting) => drafting + predictor.CautiousSeconds(rows, rows, context) <= Planned(GuessedShare);

    /// <summary>What a tick with decoding rows and a stretch of a prompt takes as a rule.</summary>
    public double TypicalSeconds(int promptRows, int decodeRows, long decodePositions, int promptPosition)
    {
        int rows = decodeRows + promptRows;
        long positions = decodePositions + ((long)promptRows * (promptPosition + (promptRows / 2)));
        return predictor.TypicalSeconds(rows, decodeRows + (promptRows > 0 ? 1 : 0), (int)(positions / rows) + 1);
    }

    private double Seconds(int promptRows, int decodeRows, long decodePositions, int promptPosition, int otherRows, long otherPositions)
    {
        int total = decodeRows + otherRows + promptRows;
        int logitsRows = decodeRows + (promptRows > 0 ? 1 : 0) + (otherRows > 0 ? 1 : 0);
        long positions = decodePositions + otherPositions + (long)promptRows * (promptPosition + promptRows / 2);
        return predictor.Seconds(total, logitsRows, (int)(positions / total) + 1);
    }
}
