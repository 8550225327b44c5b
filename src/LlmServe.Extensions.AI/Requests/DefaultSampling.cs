using LlmServe.V1;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>Fills in what a caller leaves out, so that answers vary, and can be repeated.</summary>
internal static class DefaultSampling
{
    /// <summary>What servers that recommend nothing get.</summary>
    private static readonly SamplingOptions Usual = new() { Temperature = 0.8f, TopP = 0.95f, MinP = 0.05f };

    /// <summary>Fills it in.</summary>
    /// <param name="sampling">What the caller says.</param>
    /// <param name="recommended">What the model recommends; null: nothing.</param>
    public static void Fill(SamplingOptions sampling, SamplingOptions? recommended)
    {
        var filled = (recommended ?? Usual).Clone();
        filled.MergeFrom(sampling);
        if (!filled.HasSeed)
        {
            filled.Seed = (ulong)Random.Shared.NextInt64();
        }

        sampling.MergeFrom(filled);
    }
}
