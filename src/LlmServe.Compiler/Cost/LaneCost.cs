using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>
/// Seconds that a lane works, as a function of a tick's load: the instructions of a lane between two barriers add up to one of these.
/// Rows can be all of a tick's, or the lane's share of them, rounded as kernels round.
/// </summary>
/// <param name="Fixed">Whatever the rows.</param>
/// <param name="PerRow">Per row.</param>
/// <param name="PerShareRow">Per row of the lane's share.</param>
/// <param name="PerHead">Per head of attention in the lane's share of (single row, head) pairs.</param>
/// <param name="PerHeadPosition">Per such head and position of context.</param>
/// <param name="PerRunHead">Per head of attention in the lane's share of (row of a run, head) pairs.</param>
/// <param name="PerRunHeadPosition">Per such head and position of context.</param>
/// <param name="SelectedFixed">When any row wants logits.</param>
/// <param name="PerSelected">Per row that wants logits.</param>
/// <param name="PerSelectedShare">Per row that wants logits, of the lane's share.</param>
internal readonly record struct LaneCost(
    double Fixed, double PerRow, double PerShareRow, double PerHead, double PerHeadPosition, double PerRunHead, double PerRunHeadPosition,
    double SelectedFixed, double PerSelected, double PerSelectedShare)
{
    public static LaneCost operator +(in LaneCost a, in LaneCost b) => new(
        a.Fixed + b.Fixed, a.PerRow + b.PerRow, a.PerShareRow + b.PerShareRow, a.PerHead + b.PerHead, a.PerHeadPosition + b.PerHeadPosition,
        a.PerRunHead + b.PerRunHead, a.PerRunHeadPosition + b.PerRunHeadPosition,
        a.SelectedFixed + b.SelectedFixed, a.PerSelected + b.PerSelected, a.PerSelectedShare + b.PerSelectedShare);

    /// <summary>The cost of one instruction. The first row of a matrix reads the weights; further rows find them in a cache.</summary>
    /// <param name="i">The instruction.</param>
    /// <param name="lanes">Lanes of its program.</param>
    /// <param name="units">Units of work per row.</param>
    /// <param name="time">Seconds per unit.</param>
    /// <param name="secondsPerByte">What a byte of weights costs a lane while all lanes read.</param>
    /// <param name="bytesPerHeadPosition">Cache bytes that a head reads per position.</param>
    public static LaneCost Of(in Instruction i, int lanes, double units, KernelTime time, double secondsPerByte, double bytesPerHeadPosition)
    {
        if (i.Opcode == Opcode.Attention)
        {
            return default(LaneCost) with
            {
                PerHead = time.First,

                // A single row reads the cache of its sequence as it goes, and waits for it.
                PerHeadPosition = time.PerPosition + (bytesPerHeadPosition * secondsPerByte),
                PerRunHead = time.Next,
                PerRunHeadPosition = time.NextPerPosition,
            };
        }

        double next = units * time.Next;
        if (i.Opcode is Opcode.Embed or Opcode.RopeTable or Opcode.Norm or Opcode.JoinAttention)
        {
            bool all = i.End - i.Begin == lanes;
            return (i.Selected, all) switch
            {
                (false, false) => default(LaneCost) with { PerShareRow = next },
                (false, true) => default(LaneCost) with { PerRow = next },
                (true, false) => default(LaneCost) with { PerSelectedShare = next },
                (true, true) => default(LaneCost) with { PerSelected = next },
            };
        }

        double fromMemory = time.FirstFromMemory > 0 ? units * time.FirstFromMemory : i.Bytes * secondsPerByte;
        double first = Math.Max(fromMemory, units * time.First) - next;
        return i.Selected
            ? default(LaneCost) with { SelectedFixed = first, PerSelected = next }
            : default(LaneCost) with { Fixed = first, PerRow = next };
    }

    /// <summary>Seconds for a load.</summary>
    public double Seconds(int lane, int lanes, int queryHeads, in TickLoad load)
    {
        // Single rows are cut between segments and heads.
        long segments = Math.Max(1, AttentionSegment.CountFor(load.Context));
        double seconds = Fixed + (PerRow * load.Rows) + (PerShareRow * Share(load.Rows, lane, lanes))
            + ((PerHead + (PerHeadPosition * load.Context)) * Share((load.Rows - load.RunRows) * queryHeads * segments, lane, lanes) / segments)
            + ((PerRunHead + (PerRunHeadPosition * load.Context)) * load.RunRows * queryHeads / lanes);
        return load.Selected == 0 ? seconds : seconds + SelectedFixed + (PerSelected * load.Selected) + (PerSelectedShare * Share(load.Selected, lane, lanes));
    }

    private static long Share(long count, int lane, int lanes) => (count * (lane + 1) / lanes) - (count * lane / lanes);
}
