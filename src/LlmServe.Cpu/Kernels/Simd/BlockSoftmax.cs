using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Scores and weights of one head over a block.</summary>
internal static unsafe class BlockSoftmax
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>
    /// Accumulators of dot products become scores, and those weights, each times <paramref name="factor"/>; the running maximum takes them in. Returns what
    /// everything before is to be multiplied by.
    /// </summary>
    /// <param name="sums">[32][8]</param>
    /// <param name="count">Positions that count; weights of others become 0.</param>
    /// <param name="scale">Of scores.</param>
    /// <param name="factor">Of weights: a power of two.</param>
    /// <param name="largest">The running maximum.</param>
    /// <param name="weights">[32]</param>
    public static float Weigh(float* sums, int count, float scale, float factor, float* largest, float* weights)
    {
        var v0 = Scores(sums, 0, count, scale);
        var v1 = Scores(sums, 8, count, scale);
        var v2 = Scores(sums, 16, count, scale);
        var v3 = Scores(sums, 24, count, scale);
        var eight = VectorMath.Max(VectorMath.Max(v0, v1), VectorMath.Max(v2, v3));
        var four = VectorMath.Max(eight.GetLower(), eight.GetUpper());
        four = VectorMath.Max(four, VectorMath.UpperTwo(four));
        float blockMax = four.GetElement(1) > four.ToScalar() ? four.GetElement(1) : four.ToScalar();
        float before = *largest;
        float m = before > blockMax ? before : blockMax;
        var mm = Vector256.Create(m);
        var f = Vector256.Create(factor);
        (NumericsMath.Exp(v0 - mm) * f).Store(weights);
        (NumericsMath.Exp(v1 - mm) * f).Store(weights + 8);
        (NumericsMath.Exp(v2 - mm) * f).Store(weights + 16);
        (NumericsMath.Exp(v3 - mm) * f).Store(weights + 24);
        *largest = m;
        return NumericsMath.Exp(before - m);
    }

    /// <summary>
    /// The same for scores that are capped, and for a block of which the first positions do not count.
    /// </summary>
    /// <param name="sums">[32][8]</param>
    /// <param name="first">First position that counts; weights of those before become 0.</param>
    /// <param name="count">End of positions that count.</param>
    /// <param name="scale">Of scores.</param>
    /// <param name="cap">Of scores; 0: none.</param>
    /// <param name="factor">Of weights: a power of two.</param>
    /// <param name="largest">The running maximum.</param>
    /// <param name="weights">[32]</param>
    public static float WeighGeneral(float* sums, int first, int count, float scale, float cap, float factor, float* largest, float* weights)
    {
        var greatest = Vector256.Create(float.NegativeInfinity);
        for (int i = 0; i < Positions; i += 8)
        {
            var scores = Scores(sums, i, count, scale);
            scores = cap == 0 ? scores : NumericsMath.SoftCap(scores, cap);
            var positions = Vector256.Create(i) + Vector256<int>.Indices;
            var outside = Vector256.LessThan(positions, Vector256.Create(first)) | Vector256.GreaterThanOrEqual(positions, Vector256.Create(count));
            scores = Vector256.ConditionalSelect(outside.AsSingle(), Vector256.Create(float.NegativeInfinity), scores);
            scores.Store(weights + i);
            greatest = VectorMath.Max(scores, greatest);
        }

        var four = VectorMath.Max(greatest.GetLower(), greatest.GetUpper());
        four = VectorMath.Max(four, VectorMath.UpperTwo(four));
        float blockMax = four.GetElement(1) > four.ToScalar() ? four.GetElement(1) : four.ToScalar();
        float before = *largest;
        float m = before > blockMax ? before : blockMax;
        for (int i = 0; i < Positions; i += 8)
        {
            (NumericsMath.Exp(Vector256.Load(weights + i) - Vector256.Create(m)) * Vector256.Create(factor)).Store(weights + i);
        }

        *largest = m;
        return NumericsMath.Exp(before - m);
    }

    /// <summary>Scaled scores of eight positions; −inf from <paramref name="count"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scores(float* sums, int first, int count, float scale)
    {
        if (first >= count)
        {
            return Vector256.Create(float.NegativeInfinity);
        }

        float* a = sums + (8 * first);
        var joined = AttentionParts.JoinEight(
            Vector256.Load(a), Vector256.Load(a + 8), Vector256.Load(a + 16), Vector256.Load(a + 24),
            Vector256.Load(a + 32), Vector256.Load(a + 40), Vector256.Load(a + 48), Vector256.Load(a + 56)) * Vector256.Create(scale);
        var outside = Vector256.GreaterThanOrEqual(Vector256.Create(first) + Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
        return Vector256.ConditionalSelect(outside, Vector256.Create(float.NegativeInfinity), joined);
    }
}
