namespace LlmServe.Compiler.Cost;

/// <summary>What a lane's share of the chosen experts of a layer takes.</summary>
/// <param name="Experts">Experts that there are; 0: none.</param>
/// <param name="Used">Experts that each row is sent to.</param>
/// <param name="PerExpert">Per expert that any row of the tick was sent to: its weights are read once.</param>
/// <param name="PerRow">Per row of the tick.</param>
internal readonly record struct ExpertCost(int Experts, int Used, double PerExpert, double PerRow)
{
    /// <summary>The two, of one layer.</summary>
    public static ExpertCost operator +(in ExpertCost a, in ExpertCost b) =>
        a.Experts == 0 ? b : b.Experts == 0 ? a : a with { PerExpert = a.PerExpert + b.PerExpert, PerRow = a.PerRow + b.PerRow };

    /// <summary>Experts of <paramref name="experts"/> that so many rows choose together when all are as likely: X · (1 − (1 − U/X)^rows).</summary>
    public static double Chosen(int experts, int used, int rows) => experts * (1 - Math.Pow(1 - ((double)used / experts), rows));

    /// <summary>Seconds for a load.</summary>
    public double Seconds(int rows) => Experts == 0 ? 0 : (PerExpert * Chosen(Experts, Used, rows)) + (PerRow * rows);
}
