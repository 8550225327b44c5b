using System.Diagnostics;
using LlmServe.Cli.App;
using LlmServe.Cli.Models;
using LlmServe.Gguf;

namespace LlmServe.Cli.Bench;

/// <summary>Measures prefill and decode of a loaded model, without engine and server.</summary>
internal static class BenchRunner
{
    /// <summary>Runs <paramref name="plan"/>; one more run before it warms up.</summary>
    /// <returns>Tokens per second of prefill and decode, one entry per run.</returns>
    /// <exception cref="CliException">The plan does not fit into the context.</exception>
    public static (IReadOnlyList<double> Prefill, IReadOnlyList<double> Decode) Measure(
        LoadedModel model, BenchPlan plan, CancellationToken cancellation)
    {
        var runner = new SequenceRunner(model.Executor);
        if (plan.Prompt + plan.Generate > runner.Capacity)
        {
            throw new CliException(
                $"--prompt {plan.Prompt} and --generate {plan.Generate} need {plan.Prompt + plan.Generate} positions; the context holds {runner.Capacity}");
        }

        int[] ids = Ids(plan.Prompt + plan.Generate, model.Executor.Model.VocabularySize);
        var prefill = new List<double>();
        var decode = new List<double>();
        for (int run = 0; run <= plan.Runs; run++)
        {
            double prefillRate = Rate(plan.Prompt, () =>
                runner.Run(ids.AsSpan(0, plan.Prompt), 0, model.Executor.Rows.Capacity, null, cancellation));
            double decodeRate = Rate(plan.Generate, () =>
                runner.Run(ids.AsSpan(plan.Prompt), plan.Prompt, 1, static (_, _) => { }, cancellation));
            if (run > 0)
            {
                prefill.Add(prefillRate);
                decode.Add(decodeRate);
            }
        }

        return (prefill, decode);
    }

    /// <summary>Bytes of weights that decoding one token reads: every tensor but an embedding that is not also the output matrix.</summary>
    public static long WeightBytes(GgufFile file)
    {
        bool tied = !file.TryGetTensor("output.weight", out _);
        return file.Tensors.Where(tensor => tied || tensor.Name != "token_embd.weight").Sum(tensor => tensor.ByteLength);
    }

    /// <summary>Ids that spread over the vocabulary. What they say has no influence on the time.</summary>
    private static int[] Ids(int count, int vocabulary)
    {
        const long Stride = 7919;
        return [.. Enumerable.Range(1, count).Select(i => (int)(i * Stride % vocabulary))];
    }

    private static double Rate(int tokens, Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return tokens / Math.Max(Stopwatch.GetElapsedTime(start).TotalSeconds, 1e-9);
    }
}
