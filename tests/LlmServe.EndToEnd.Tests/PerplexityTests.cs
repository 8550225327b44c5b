using System.Text.Json;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;
using Xunit.Abstractions;

namespace LlmServe.EndToEnd.Tests;

/// <summary>
/// Perplexity of the embedded model on the WikiText-2 test split, from text to logits, as <c>golden/embedded/summary.json</c> defines it: pieces of 512 tokens without BOS, of
/// which the second half is scored.
/// </summary>
public class PerplexityTests(ITestOutputHelper output)
{
    /// <summary>Bound for 8-bit activations (data/README.md of the shared set; the f32 reference has 23.048).</summary>
    private const double MostPerplexity = 23.16;

    /// <summary>The reference's perplexity may be missed by 0.02 with an f16 cache, which is this much of a piece's negative log-likelihood.</summary>
    private const double RealTolerance = 0.02 / 23.048;

    private const int Piece = 512;

    [SkippableFact]
    public void Perplexity_EightBitActivations_IsWithinTheBound()
    {
        var golden = Golden();
        var measured = Measure(ActivationMode.Int8, golden.Length);

        double perplexity = Math.Exp(measured.Average());

        output.WriteLine($"perplexity {perplexity:F4} over {measured.Length} pieces; f32 reference {Math.Exp(golden.Average()):F4}");
        Assert.InRange(perplexity, 20, MostPerplexity);
    }

    [SkippableFact]
    public void Perplexity_RealActivations_IsTheReferencesPieceByPiece()
    {
        var golden = Golden();
        var measured = Measure(ActivationMode.F32, 3);

        for (int i = 0; i < measured.Length; i++)
        {
            output.WriteLine($"piece {i}: {measured[i]:F6}, reference {golden[i]:F6}");
            Assert.InRange(measured[i], golden[i] - RealTolerance, golden[i] + RealTolerance);
        }
    }

    private static double[] Golden()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "embedded", "summary.json")));
        return [.. document.RootElement.GetProperty("perplexity").GetProperty("nll_f32_activations").EnumerateArray().Select(e => e.GetDouble())];
    }

    /// <summary>Mean negative log-likelihood of the second half of each piece.</summary>
    private static double[] Measure(ActivationMode activations, int pieces)
    {
        string text = File.ReadAllText(TestData.Shared("data", "text", "wikitext2-test.txt"));
        using var file = GgufFile.Open(TestData.EmbeddedModel);
        var ids = new List<int>();
        TokenizerFactory.Create(file.Metadata).Encode(text, addSpecial: false, parseSpecial: false, ids);
        using var executor = CpuBackend.Load(file, new CpuOptions { Activations = activations, MaxSequences = 1, ContextLength = Piece });
        for (int block = 0; block < executor.Rows.BlocksPerSlot; block++)
        {
            executor.Rows.BlockTable(0)[block] = block;
        }

        return [.. Enumerable.Range(0, pieces).Select(i => MeanLoss(executor, ids.GetRange(i * Piece, Piece)))];
    }

    private static double MeanLoss(IProgramExecutor executor, List<int> piece)
    {
        const int Chunk = 128;
        double sum = 0;
        for (int start = 0; start < Piece; start += Chunk)
        {
            executor.Rows.Clear();
            for (int position = start; position < start + Chunk; position++)
            {
                executor.Rows.Add(0, position, piece[position], select: IsScored(position));
            }

            executor.RunTick();
            int row = 0;
            for (int position = start; position < start + Chunk; position++)
            {
                if (IsScored(position))
                {
                    sum += Loss(executor.Logits(row++), piece[position + 1]);
                }
            }
        }

        return sum / (Piece / 2);
    }

    /// <summary>Whether the logits at a position predict a token of the second half.</summary>
    private static bool IsScored(int position) => position >= (Piece / 2) - 1 && position < Piece - 1;

    private static double Loss(ReadOnlySpan<float> logits, int token)
    {
        double total = 0;
        foreach (float logit in logits)
        {
            total += Math.Exp(logit - (double)logits[token]);
        }

        return Math.Log(total);
    }
}
