using LlmServe.Compiler;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>A model cut between layers, and what programs give beside logits.</summary>
public class LayerRangeTests
{
    private static string Model => TestData.Local("golden", "quantized", "llama-Q4_K_M.gguf");

    [SkippableTheory]
    [InlineData(1, 1)]
    [InlineData(3, 24)]
    public void Ticks_OfTwoHalves_GiveTheLogitsOfTheWhole(int lanes, int rows)
    {
        LoadedModel.RequireVectors();
        int[] ids = [.. Enumerable.Range(0, 24).Select(i => (i * 37) % 380)];
        using var whole = new LoadedModel(Model, Options(lanes, rows));
        float[] expected = LogitsRunner.Run(whole.Executor, ids, rows);
        using var first = new LoadedModel(Model, Options(lanes, rows) with { Layers = new LayerRange(0, 1) });
        using var second = new LoadedModel(Model, Options(lanes, rows) with { Layers = new LayerRange(1, 2) });
        var residual = Assert.Single(first.Executor.Outputs);
        var input = Assert.Single(second.Executor.Inputs);
        Assert.Equal((TickOutputs.Residual, TickOutputs.Residual, false), (residual.Name, input.Name, residual.IsSelected));
        Assert.Equal((1, 1), (first.Executor.Model.Layers, second.Executor.Memory.KvGroups[0].Layers));
        first.Executor.Rows.BlockTable(0)[0] = second.Executor.Rows.BlockTable(0)[0] = 1;

        int vocabulary = whole.Executor.Model.VocabularySize;
        float[] actual = new float[expected.Length];
        for (int start = 0; start < ids.Length; start += rows)
        {
            foreach (var half in (IProgramExecutor[])[first.Executor, second.Executor])
            {
                half.Rows.Clear();
                for (int i = start; i < start + rows; i++)
                {
                    half.Rows.Add(0, i, ids[i], select: true);
                }
            }

            first.Executor.BeginTick();
            first.Executor.EndTick();
            for (int i = 0; i < rows; i++)
            {
                residual.Row(i).CopyTo(input.Row(i));
            }

            second.Executor.RunTick();
            for (int i = 0; i < rows; i++)
            {
                second.Executor.Logits(i).CopyTo(actual.AsSpan((start + i) * vocabulary, vocabulary));
            }
        }

        Assert.Equal(expected, actual);
        Assert.Throws<InvalidOperationException>(() => first.Executor.Logits(0).Length);
    }

    [SkippableFact]
    public void Outputs_Hidden_AreWhatTheOutputMatrixReads()
    {
        LoadedModel.RequireVectors();
        foreach (int rows in (int[])[1, 8])
        {
            using var hidden = new LoadedModel(Model, Options(2, rows) with { Outputs = [TickOutputs.Hidden] });
            using var both = new LoadedModel(Model, Options(2, rows) with { Outputs = [TickOutputs.Logits, TickOutputs.Hidden] });
            foreach (var executor in (IProgramExecutor[])[hidden.Executor, both.Executor])
            {
                executor.Rows.BlockTable(0)[0] = 0;
                executor.Rows.Clear();
                for (int i = 0; i < rows; i++)
                {
                    executor.Rows.Add(0, i, i + 5, select: i % 2 == 0);
                }

                executor.RunTick();
            }

            Assert.Equal(["hidden"], hidden.Executor.Outputs.Select(o => o.Name));
            Assert.Equal(["logits", "hidden"], both.Executor.Outputs.Select(o => o.Name));
            for (int i = 0; i < (rows + 1) / 2; i++)
            {
                Assert.Equal(both.Executor.Outputs[1].Row(i).ToArray(), hidden.Executor.Outputs[0].Row(i).ToArray());
                Assert.True(both.Executor.Outputs[1].Row(i).IndexOfAnyExcept(0f) >= 0);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => hidden.Executor.Outputs[0].Row((rows + 1) / 2).Length);
        }
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(2, 2)]
    [InlineData(-1, 1)]
    public void Load_LayersThatDoNotExist_AreRefused(int first, int end)
    {
        using var file = GgufFile.Open(Model);
        var error = Assert.Throws<ArgumentException>(() => CpuBackend.CompileOnly(file, Options(1, 1) with { Layers = new LayerRange(first, end) }));
        Assert.Contains("layers 0 to 1", error.Message, StringComparison.Ordinal);
    }

    private static CpuOptions Options(int lanes, int rows) =>
        new() { Lanes = lanes, MaxRowsPerTick = rows, MaxSequences = 1, ContextLength = 64, KvBytes = 1 << 20 };
}
