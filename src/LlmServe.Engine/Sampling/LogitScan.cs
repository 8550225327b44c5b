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

    /// <summary>Copies the values that have a bit, and −inf in place of the others.</summary>
    /// <param name="logits">[n]</param>
    /// <param name="allowed">One bit per index, lowest first; those beyond its end are not allowed.</param>
    /// <param name="target">[n]</param>
    public static void CopyAllowed(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, Span<float> target)
    {
        var places = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        var none = Vector256.Create(float.NegativeInfinity);
        int whole = Math.Min(logits.Length / 64, allowed.Length);
        ref float from = ref MemoryMarshal.GetReference(logits);
        ref float to = ref MemoryMarshal.GetReference(target);
        for (int word = 0; word < whole; word++)
        {
            ulong bits = allowed[word];
            for (nuint i = (nuint)word * 64, end = i + 64; i < end; i += (nuint)Vector256<float>.Count, bits >>= Vector256<float>.Count)
            {
                var taken = Vector256.Equals(Vector256.Create((int)(bits & 0xFF)) & places, places).AsSingle();
                Vector256.ConditionalSelect(taken, Vector256.LoadUnsafe(ref from, i), none).StoreUnsafe(ref to, i);
            }
        }

        for (int i = whole * 64; i < logits.Length; i++)
        {
            bool isAllowed = i / 64 < allowed.Length && (allowed[i / 64] >> (i & 63) & 1) != 0;
            target[i] = isAllowed ? logits[i] : float.NegativeInfinity;
        }
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
