using LlmServe.Compiler.Cost;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>
/// A long prompt beside streams, planned with the embedded model's compiled costs on a nominal machine of two lanes: nobody's tick is longer than
/// promised, and the prompt keeps its share of the machine.
/// </summary>
public class PromptBesideStreamsTests
{
    private const int PromptTokens = 1500;
    private const double Bound = 0.050;

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, false)]
    [InlineData(8, false)]
    [InlineData(1, true)]
    [InlineData(4, true)]
    [InlineData(5, true)] // with two fifths in reserve for slower ticks, more streams leave the prompt less than half
    public void Step_LongPromptBesideAFewStreams_KeepsTheBoundAndHalfThePrefillRate(int streams, bool learns)
    {
        var predict = EmbeddedModelCosts();
        var alone = ReadPrompt(predict, 0, learns);
        var beside = ReadPrompt(predict, streams, learns);

        Assert.InRange(beside.Longest, 0.5 * Bound, Bound);
        Assert.InRange(alone.Seconds / beside.Seconds, 0.5, 1);
        Assert.Equal(beside.Ticks, beside.Decoded / streams);
    }

    /// <summary>Predicted time until the prompt's first token, its longest tick, its ticks, and the tokens that the streams got meanwhile.</summary>
    private static (double Seconds, double Longest, int Ticks, int Decoded) ReadPrompt(Func<int, int, int, double> predict, int streams, bool learns)
    {
        var model = new FakeExecutorOptions { MaxRows = 256, ContextLength = 2048, KvBlocks = 200, Predict = predict };
        var rig = new LoopRig(model, new EngineOptions { MaxTickMilliseconds = Bound * 1000, PrefixCache = false, Speculate = 0 }, learns: learns);
        var random = new Random(streams);
        var others = Enumerable.Range(0, streams).Select(_ => rig.Add(EngineTest.RandomPrompt(random, 200), 500)).ToArray();
        while (others.Any(sequence => !sequence.IsDecoding))
        {
            rig.StepAsPredicted();
        }

        int before = others.Sum(sequence => sequence.Tokens.Length);
        var prompt = rig.Add(EngineTest.RandomPrompt(random, PromptTokens), 2);
        double seconds = 0;
        double longest = 0;
        int ticks = 0;
        for (; prompt.Record.FirstToken == 0; ticks++)
        {
            Assert.True(rig.Loop.Prepare());
            var table = rig.Executor.Rows;
            double tick = predict(table.Count, table.SelectedCount, (int)table.Positions.ToArray().Average() + 1);
            seconds += tick;
            longest = Math.Max(longest, tick);
            rig.FinishAsPredicted();
        }

        return (seconds, longest, ticks, others.Sum(sequence => sequence.Tokens.Length) - before);
    }

    private static Func<int, int, int, double> EmbeddedModelCosts()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);
        var model = CpuBackend.CompileOnly(file, new CpuOptions { Lanes = 2 });
        TickCost[] costs = [.. model.Programs.Select(new CostModel(MachineProfile.Nominal, model).Precompute)];
        return (rows, logitsRows, context) =>
        {
            int program = 0;
            while (program < costs.Length - 1 && model.Programs[program].Rows < rows)
            {
                program++;
            }

            return costs[program].Seconds(new TickLoad(rows, logitsRows, context));
        };
    }
}
