using FsCheck;
using FsCheck.Fluent;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using Buffer = LlmServe.Compiler.Programs.Buffer;

namespace LlmServe.Compiler.Tests.Programs;

public class MemoryPlannerTests
{
    private const long Page = 4096;

    private sealed record Uses(int[] RowBytes, (int Input, int Output)[] Steps);

    private static readonly Arbitrary<Uses> AnyUses = (
        from buffers in Gen.Choose(1, 20)
        from rowBytes in Gen.Choose(1, 300).Select(b => b * 64).ArrayOf(buffers)
        from phases in Gen.Choose(1, 15)
        from steps in Gen.Zip(Gen.Choose(0, buffers - 1), Gen.Choose(0, buffers - 1)).ArrayOf(phases)
        select new Uses(rowBytes, [.. steps.Select(s => (s.Item1, s.Item2))])).ToArbitrary();

    [Fact]
    public void Plan_BuffersLiveTogether_NeverShareBytes() => Holds((buffers, lives, plan) =>
    {
        foreach (var a in buffers.Where(b => lives[b.Id].IsUsed))
        {
            Assert.InRange(plan.Offsets[a.Id] + a.Bytes, a.Bytes, plan.Bytes);
            foreach (var b in buffers.Where(b => b.Id > a.Id && lives[b.Id].IsUsed && lives[b.Id].Overlaps(lives[a.Id])))
            {
                Assert.True(plan.Offsets[a.Id] + a.Bytes <= plan.Offsets[b.Id] || plan.Offsets[b.Id] + b.Bytes <= plan.Offsets[a.Id]);
            }
        }
    });

    [Fact]
    public void Plan_AnyBuffers_StartAtPagesAndNeedNoMoreThanTheirSum() => Holds((buffers, lives, plan) =>
    {
        Assert.All(buffers, b => Assert.True(lives[b.Id].IsUsed ? plan.Offsets[b.Id] % Page == 0 : plan.Offsets[b.Id] == -1));
        long sum = buffers.Where(b => lives[b.Id].IsUsed).Sum(b => (b.Bytes + Page - 1) / Page * Page);
        long largestPhase = Enumerable.Range(0, 20).Max(p => buffers.Where(b => lives[b.Id].IsUsed && lives[b.Id].First <= p && p <= lives[b.Id].Last).Sum(b => (b.Bytes + Page - 1) / Page * Page));
        Assert.InRange(plan.Bytes, largestPhase, sum);
    });

    [Fact]
    public void Plan_ChainOfEqualBuffers_NeedsTwo()
    {
        var (buffers, phases) = Build(new([64 * 64, 64 * 64, 64 * 64, 64 * 64, 64 * 64], [(0, 1), (1, 2), (2, 3), (3, 4)]));
        Assert.Equal(2 * buffers[0].Bytes, MemoryPlanner.Plan(buffers, LivesOf(buffers, phases, 4)).Bytes);
    }

    [Fact]
    public void Plan_BufferToKeep_IsNotOverwrittenLater()
    {
        // Buffer 1 is last used in the first phase; kept, nothing later may take its place.
        var (buffers, phases) = Build(new([4096, 4096, 4096, 4096], [(0, 1), (2, 3)]));
        var plan = MemoryPlanner.Plan(buffers, LivesOf(buffers, phases, 1));
        Assert.DoesNotContain(plan.Offsets[1], (long[])[plan.Offsets[2], plan.Offsets[3]]);
        Assert.Equal(3 * buffers[0].Bytes, plan.Bytes);
    }

    private static void Holds(Action<Buffer[], Life[], MemoryPlan> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithReplay(3, 9), Prop.ForAll(AnyUses, uses =>
        {
            var (buffers, phases) = Build(uses);
            int keep = uses.Steps[0].Output;
            var lives = LivesOf(buffers, phases, keep);
            property(buffers, lives, MemoryPlanner.Plan(buffers, lives));
        }));

    [Fact]
    public void Plan_BuffersOfLanes_HaveAnArenaOfTheirOwn()
    {
        var (buffers, phases) = Build(new([4096, 4096, 4096], [(0, 1), (1, 2)]));
        buffers[1] = buffers[1] with { Place = BufferPlace.Lane };
        var plan = MemoryPlanner.Plan(buffers, LivesOf(buffers, phases, 2));
        Assert.Equal((0, buffers[1].Bytes), (plan.Offsets[1], plan.LaneBytes));
        Assert.Equal(buffers[0].Bytes, plan.Bytes);
    }

    private static Life[] LivesOf(Buffer[] buffers, Phase[] phases, int keep) =>
        Liveness.Compute(buffers, phases, [], [new ProgramPort("kept", keep, buffers[keep].Columns, Selected: false)]);

    private static (Buffer[] Buffers, Phase[] Phases) Build(Uses uses) => (
        [.. uses.RowBytes.Select((bytes, id) => new Buffer(id, $"b{id}", bytes / 4, ActivationForms.Real, bytes, 3, BufferPlace.Arena))],
        [.. uses.Steps.Select(s => new Phase("p", [[new Instruction(Opcodes.MatMul) { Input = s.Input, Output = s.Output, End = 16 }]]))]);
}
