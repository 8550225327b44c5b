namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>A scale for magnitudes that become codes from 0 on.</summary>
internal static unsafe class MagnitudeFit
{
    /// <summary>The scale with the smallest weighted squared error over codes 0 … <paramref name="most"/>, from nine starts and then by changing single codes.</summary>
    public static float Scale(float* x, float* w, int count, int most)
    {
        float largest = 0;
        for (int i = 0; i < count; i++)
        {
            largest = MathF.Max(largest, x[i]);
        }

        if (largest <= 0)
        {
            return 0;
        }

        int* codes = stackalloc int[count];
        float inverse = most / largest, least = Error(x, w, count, inverse, most);
        for (int step = -4; step <= 4; step++)
        {
            float tried = (most + (step * 0.1f)) / largest, error = Error(x, w, count, tried, most);
            (inverse, least) = error < least ? (tried, error) : (inverse, least);
        }

        float product = 0, square = 0;
        for (int i = 0; i < count; i++)
        {
            codes[i] = Code(x[i] * inverse, most);
            product += w[i] * x[i] * codes[i];
            square += w[i] * codes[i] * codes[i];
        }

        for (int sweep = 0; sweep < 5 && Improve(x, w, count, most, codes, ref product, ref square); sweep++)
        {
        }

        return square > 0 ? product / square : 0;
    }

    private static bool Improve(float* x, float* w, int count, int most, int* codes, ref float product, ref float square)
    {
        bool changed = false;
        for (int i = 0; i < count; i++)
        {
            float othersProduct = product - (w[i] * x[i] * codes[i]), othersSquare = square - (w[i] * codes[i] * codes[i]);
            if (othersProduct <= 0 || othersSquare <= 0)
            {
                continue;
            }

            int code = Code(x[i] * othersSquare / othersProduct, most);
            float newProduct = othersProduct + (w[i] * x[i] * code), newSquare = othersSquare + (w[i] * code * code);
            if (code != codes[i] && newSquare > 0 && newProduct * newProduct * square > product * product * newSquare)
            {
                (codes[i], product, square, changed) = (code, newProduct, newSquare, true);
            }
        }

        return changed;
    }

    private static float Error(float* x, float* w, int count, float inverse, int most)
    {
        float error = 0;
        for (int i = 0; i < count; i++)
        {
            float difference = x[i] - (Code(x[i] * inverse, most) / inverse);
            error += w[i] * difference * difference;
        }

        return error;
    }

    private static int Code(float x, int most) => (int)Math.Clamp(MathF.Round(x), 0, most);
}
