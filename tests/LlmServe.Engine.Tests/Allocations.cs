namespace LlmServe.Engine.Tests;

/// <summary>Counts what a piece of work allocates.</summary>
internal static class Allocations
{
    private const int Trials = 10;

    /// <summary>
    /// Bytes that a trial allocates: the least of some, each a whole one. A garbage collection, which tests that run beside can cause at any time, counts
    /// the rest of the thread's allocation buffer as allocated; what the work itself allocates is in every trial.
    /// </summary>
    /// <param name="trial">Does all the work anew and returns what <see cref="GC.GetAllocatedBytesForCurrentThread"/> grew by where it counts.</param>
    public static long Least(Func<long> trial)
    {
        long least = trial();
        for (int i = 1; i < Trials && least != 0; i++)
        {
            least = Math.Min(least, trial());
        }

        return least;
    }
}
