using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Engine.Sampling;

/// <summary>Passes over a whole logits row. NaN, which only a broken model gives, is never the largest.</summary>
internal static class LogitScan
{
    /// <summary>The largest value; −inf when there is none.</summary>
    public static float Max(ReadOnlySpan<float> logits)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        int i = 0;
        float best = float.NegativeInfinity;
        if (logits.Length >= Vector256<float>.Count)
        {
            var most = Vector256.Create(float.NegativeInfinity);
            for (; i <= logits.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var value = Vector256.LoadUnsafe(ref first, (nuint)i);
                most = Vector256.ConditionalSelect(Vector256.GreaterThan(value, most), value, most);
            }

            for (int lane = 0; lane < Vector256<float>.Count; lane++)
            {
                best = most[lane] > best ? most[lane] : best;
            }
        }

        for (; i < logits.Length; i++)
        {
            best = logits[i] > best ? logits[i] : best;
        }

        return best;
    }

    /// <summary>The lowest index of the largest value; 0 when there is none.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        float max = Max(logits);
        ref float first = ref MemoryMarshal.GetReference(logits);
        var wanted = Vector256.Create(max);
        int i = 0;
        for (; i <= logits.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            uint mask = Vector256.Equals(Vector256.LoadUnsafe(ref first, (nuint)i), wanted).ExtractMostSignificantBits();
            if (mask != 0)
            {
                return i + BitOperations.TrailingZeroCount(mask);
            }
        }

        for (; i < logits.Length; i++)
        {
            if (logits[i] == max)
            {
                return i;
            }
        }

        return 0;
    }

    /// <summary>The lowest index of the largest value among those with a bit; −1 when there is none above −inf.</summary>
    /// <param name="logits">[n]</param>
    /// <param name="allowed">One bit per index, lowest first; those beyond its end are not allowed.</param>
    public static int ArgMax(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed)
    {
        int index = -1;
        float best = float.NegativeInfinity;
        for (int word = 0; word < allowed.Length && word * 64 < logits.Length; word++)
        {
            for (ulong bits = allowed[word]; bits != 0; bits &= bits - 1)
            {
                int at = (word * 64) + BitOperations.TrailingZeroCount(bits);
                if (at < logits.Length && logits[at] > best)
                {
                    best = logits[at];
                    index = at;
                }
            }
        }

        return index;
    }

    /// <summary>Writes the indices of all values at or above <paramref name="cut"/>, ascending.</summary>
    /// <param name="logits">[n]</param>
    /// <param name="cut">Lowest value taken.</param>
    /// <param name="indices">[n]</param>
    /// <returns>How many.</returns>
    public static int AtLeast(ReadOnlySpan<float> logits, float cut, Span<int> indices)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        var least = Vector256.Create(cut);
        int count = 0;
        int i = 0;
        for (; i <= logits.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            uint mask = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i), least).ExtractMostSignificantBits();
            for (; mask != 0; mask &= mask - 1)
            {
                indices[count++] = i + BitOperations.TrailingZeroCount(mask);
            }
        }

        for (; i < logits.Length; i++)
        {
            if (logits[i] >= cut)
            {
                indices[count++] = i;
            }
        }

        return count;
    }
}
