using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Execution.Numerics;

/// <content>Activations, of one number and of eight with the same bits.</content>
public static partial class NumericsMath
{
    // erfc(z) = t · e^(−z² + P(t)) with t = 1 / (1 + z/2); the hexadecimal value beside each is the one in NUMERICS.
    private const float P0 = -1.26548064f; // -0x1.43f68ap+0
    private const float P1 = 0.999321282f; // 0x1.ffa70ap-1
    private const float P2 = 0.380513072f; // 0x1.85a538p-2
    private const float P3 = 0.0648206174f; // 0x1.098158p-4
    private const float P4 = -0.090038918f; // -0x1.70cca6p-4
    private const float P5 = 0.0956789553f; // 0x1.87e6a8p-4
    private const float P6 = -0.913351953f; // -0x1.d3a2dep-1
    private const float P7 = 1.32271278f; // 0x1.529d4ep+0
    private const float P8 = -0.752422571f; // -0x1.813d88p-1
    private const float P9 = 0.158247396f; // 0x1.441736p-3
    private const float InverseRoot2 = 0.707106769f; // 0x1.6a09e6p-1

    /// <summary>1 / (1 + e^−x).</summary>
    public static float Sigmoid(float x) => 1f / (1f + Exp(-x));

    /// <summary><see cref="Sigmoid(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid(Vector256<float> x) => Vector256.Create(1f) / (Vector256.Create(1f) + Exp(-x));

    /// <summary>x · sigmoid(x).</summary>
    public static float Silu(float x) => x / (1f + Exp(-x));

    /// <summary><see cref="Silu(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Silu(Vector256<float> x) => x / (Vector256.Create(1f) + Exp(-x));

    /// <summary>The tanh form of gelu.</summary>
    public static float Gelu(float x)
    {
        float c = x * x;
        float t = MathF.FusedMultiplyAdd(0.044715f * c, x, x);
        return x / (1f + Exp(-1.5957691216f * t));
    }

    /// <summary><see cref="Gelu(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Gelu(Vector256<float> x)
    {
        var c = x * x;
        var t = Vector256.FusedMultiplyAdd(Vector256.Create(0.044715f) * c, x, x);
        return x / (Vector256.Create(1f) + Exp(Vector256.Create(-1.5957691216f) * t));
    }

    /// <summary>Gelu with the error function.</summary>
    public static float GeluErf(float x)
    {
        float z = MathF.Abs(x) * InverseRoot2;
        float t = 1f / MathF.FusedMultiplyAdd(z, 0.5f, 1f);
        float p = MathF.FusedMultiplyAdd(P9, t, P8);
        p = MathF.FusedMultiplyAdd(p, t, P7);
        p = MathF.FusedMultiplyAdd(p, t, P6);
        p = MathF.FusedMultiplyAdd(p, t, P5);
        p = MathF.FusedMultiplyAdd(p, t, P4);
        p = MathF.FusedMultiplyAdd(p, t, P3);
        p = MathF.FusedMultiplyAdd(p, t, P2);
        p = MathF.FusedMultiplyAdd(p, t, P1);
        p = MathF.FusedMultiplyAdd(p, t, P0);
        float tail = 0.5f * t * Exp(MathF.FusedMultiplyAdd(-z, z, p));
        return x < 0 ? x * tail : x - (x * tail);
    }

    /// <summary><see cref="GeluErf(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> GeluErf(Vector256<float> x)
    {
        var z = Vector256.Abs(x) * Vector256.Create(InverseRoot2);
        var t = Vector256.Create(1f) / Vector256.FusedMultiplyAdd(z, Vector256.Create(0.5f), Vector256.Create(1f));
        var p = Vector256.FusedMultiplyAdd(Vector256.Create(P9), t, Vector256.Create(P8));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P7));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P6));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P5));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P4));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P3));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P2));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P1));
        p = Vector256.FusedMultiplyAdd(p, t, Vector256.Create(P0));
        var tail = x * (Vector256.Create(0.5f) * t * Exp(Vector256.FusedMultiplyAdd(-z, z, p)));
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256<float>.Zero), tail, x - tail);
    }

    /// <summary>x where it is positive, else +0.</summary>
    public static float Relu(float x) => x > 0 ? x : 0f;

    /// <summary><see cref="Relu(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Relu(Vector256<float> x) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), x, Vector256<float>.Zero);

    /// <summary>The square of <see cref="Relu(float)"/>.</summary>
    public static float ReluSquared(float x) => Relu(x) * Relu(x);

    /// <summary><see cref="ReluSquared(float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ReluSquared(Vector256<float> x) => Relu(x) * Relu(x);

    /// <summary>x, but no less than −<paramref name="limit"/> and no more than <paramref name="limit"/>.</summary>
    public static float Clamp(float x, float limit)
    {
        float low = x > -limit ? x : -limit;
        return low < limit ? low : limit;
    }

    /// <summary><see cref="Clamp(float, float)"/> of eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Clamp(Vector256<float> x, float limit)
    {
        Vector256<float> most = Vector256.Create(limit), least = Vector256.Create(-limit);
        var low = Vector256.ConditionalSelect(Vector256.GreaterThan(x, least), x, least);
        return Vector256.ConditionalSelect(Vector256.LessThan(low, most), low, most);
    }

    /// <summary>The hyperbolic tangent; its absolute error is below one unit in the last place of 1.</summary>
    public static float Tanh(float x)
    {
        float e = Exp(-2f * MathF.Abs(x));
        return MathF.CopySign((1f - e) / (1f + e), x);
    }

    /// <summary><see cref="Tanh(float)"/> of eight values, with the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        var one = Vector256.Create(1f);
        var e = Exp(Vector256.Create(-2f) * Vector256.Abs(x));
        var sign = x & Vector256.Create(-0f);
        return ((one - e) / (one + e)) | sign;
    }

    /// <summary>A value kept below <paramref name="cap"/>: cap · tanh(x / cap).</summary>
    public static float SoftCap(float x, float cap) => cap * Tanh(x / cap);

    /// <summary><see cref="SoftCap(float, float)"/> of eight values, with the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SoftCap(Vector256<float> x, float cap)
    {
        var c = Vector256.Create(cap);
        return c * Tanh(x / c);
    }
}
