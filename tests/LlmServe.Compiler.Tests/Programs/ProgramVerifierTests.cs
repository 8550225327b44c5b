using FsCheck;
using FsCheck.Fluent;
using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Passes;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests.Programs;

/// <summary>The verifier accepts what the scheduler makes and rejects every fault put into it.</summary>
public sealed class ProgramVerifierTests : IDisposable
{
    private readonly TestModels _models = new();

    public void Dispose() => _models.Dispose();

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    [InlineData(GgmlType.Q8_0)]
    [InlineData(GgmlType.Q4_0)]
    [InlineData(GgmlType.Q4_1)]
    [InlineData(GgmlType.Q4_K)]
    [InlineData(GgmlType.Q6_K)]
    [InlineData(GgmlType.IQ4_XS)]
    public void Verify_AnyLanesAndBuckets_FindsNothing(GgmlType type)
    {
        var file = _models.Open(new() { Type = type, OwnOutput = type != GgmlType.Q4_0 });
        var graph = PassPipeline.Run(ArchitectureRegistry.Build(new ModelSource(file)));
        for (int lanes = 1; lanes <= 8; lanes++)
        {
            foreach (bool int8 in (bool[])[true, false])
            {
                var target = new TestTarget(lanes, int8);
                foreach (int rows in ModelCompiler.Buckets(256))
                {
                    var program = ProgramBuilder.Build(graph, target, rows, context: 1000, KvElement.F16);
                    Assert.Empty(ProgramVerifier.Verify(program));
                    Assert.Equal((rows, lanes), (program.Rows, program.Lanes));
                }
            }
        }
    }

    [Theory]
    [InlineData(80, 5, 1, 160)]
    [InlineData(96, 4, 4, 32)]
    [InlineData(64, 1, 1, 64)]
    [InlineData(72, 3, 3, 200)]
    public void Verify_OddHeadsAndWidths_FindsNothing(int width, int queryHeads, int keyHeads, int feedForward)
    {
        var file = _models.Open(new() { Width = width, QueryHeads = queryHeads, KeyHeads = keyHeads, FeedForward = feedForward, Type = GgmlType.F32, Vocabulary = 77 });
        for (int lanes = 1; lanes <= 8; lanes++)
        {
            var compiled = ModelCompiler.Compile(file, new TestTarget(lanes), new CompilerOptions(ActivationMode.F32, KvElement.F32, 16));
            Assert.All(compiled.Programs, p => Assert.Empty(ProgramVerifier.Verify(p)));
        }
    }

    [Fact]
    public void Verify_TwoLiveBuffersAtOnePlace_IsRejected() => AssertRejected((program, pick) =>
    {
        var lives = Liveness.Compute(program);
        var pairs = (from a in program.Buffers
                     from b in program.Buffers
                     where a.Id < b.Id && a.Place == b.Place && a.Place != BufferPlace.Cache && lives[a.Id].IsUsed && lives[b.Id].IsUsed && lives[a.Id].Overlaps(lives[b.Id])
                     select (a, b)).ToArray();
        var (first, second) = pairs[pick % pairs.Length];
        long[] offsets = [.. program.Memory.Offsets];
        offsets[second.Id] = offsets[first.Id] + ((pick / 7 % 2) * Math.Min(64, first.Bytes - 64));
        return program with { Memory = program.Memory with { Offsets = offsets, Bytes = program.Memory.Bytes * 2, LaneBytes = program.Memory.LaneBytes * 2 } };
    }, "share bytes");

    [Fact]
    public void Verify_BufferOutsideTheArena_IsRejected() => AssertRejected((program, pick) =>
    {
        var used = program.Buffers.Where(b => program.Memory.Offsets[b.Id] >= 0).ToArray();
        long[] offsets = [.. program.Memory.Offsets];
        var buffer = used[pick % used.Length];
        offsets[buffer.Id] = (buffer.Place == BufferPlace.Lane ? program.Memory.LaneBytes : program.Memory.Bytes) - buffer.Bytes + 1;
        return program with { Memory = program.Memory with { Offsets = offsets } };
    }, "outside the arena");

    [Fact]
    public void Verify_RowsLeftOut_IsRejected() => AssertRejected(
        (program, pick) => Replace(program, pick, IsMatrix, i => [i with { End = i.End - 16 }]), "by no lane");

    [Fact]
    public void Verify_FirstRowsLeftOut_IsRejected() => AssertRejected(
        (program, pick) => Replace(program, pick, IsMatrix, i => [i with { Begin = i.Begin + 1 }]), "by no lane");

    [Fact]
    public void Verify_RowsTwice_IsRejected() => AssertRejected(
        (program, pick) => Replace(program, pick, i => IsMatrix(i) && i.Begin > 0, i => [i with { Begin = i.Begin - 16 }]), "twice");

    [Fact]
    public void Verify_InstructionTwice_IsRejected() => AssertRejected((program, pick) => Replace(program, pick, IsMatrix, i => [i, i]), "twice");

    [Fact]
    public void Verify_SharesLeftOut_IsRejected() => AssertRejected(
        (program, pick) => Replace(program, pick, i => i.Opcode == Opcodes.Attention || i.Opcode == Opcodes.JoinAttention || i.Opcode == Opcodes.Embed || i.Opcode == Opcodes.RopeTable || i.Opcode == Opcodes.Norm, i => [i with { EndShare = i.EndShare - 1 }]),
        "not shared out exactly once");

    [Fact]
    public void Verify_ColumnsNotRotatedOrStored_IsRejected()
    {
        static bool Fits(Instruction i) => (i.Opcode == Opcodes.Rotate || i.Opcode == Opcodes.Store) && i.End - i.Begin > 16;
        AssertRejected((program, pick) => Replace(program, pick, Fits, _ => []), "by no lane");
        AssertRejected((program, pick) => Replace(program, pick, Fits, i => [i with { End = i.End - 16 }]), "by no lane");
        AssertRejected((program, pick) => Replace(program, pick, Fits, i => [i, i]), "twice");
    }

    [Fact]
    public void Verify_StepLeftOut_IsRejected() => AssertRejected((program, pick) =>
    {
        int step = pick % program.Steps.Count;
        return program with { Phases = [.. program.Phases.Select(p => p with { Lanes = [.. p.Lanes.Select(l => (IReadOnlyList<Instruction>)[.. l.Where(i => i.Step != step)])] })] };
    }, "is done by no lane");

    [Fact]
    public void Verify_CacheFilledTwiceOrInPart_IsRejected() => AssertRejected(
        (program, pick) =>
        {
            int[] steps = [.. program.Phases.SelectMany(p => p.Lanes).SelectMany(l => l).Where(i => i.Opcode == Opcodes.Store && i.Shift > 0).Select(i => i.Step).Distinct()];
            int moved = steps[pick % steps.Length];
            return program with
            {
                Phases = [.. program.Phases.Select(p => p with { Lanes = [.. p.Lanes.Select(l => (IReadOnlyList<Instruction>)[.. l.Select(i => i.Step == moved ? i with { Shift = 0 } : i)])] })],
            };
        }, "not stored exactly once");

    [Fact]
    public void Verify_BarrierLeftOut_IsRejected() => AssertRejected((program, pick) =>
    {
        int at = pick % (program.Phases.Count - 1);
        var joined = new Phase("joined", [.. program.Phases[at].Lanes.Zip(program.Phases[at + 1].Lanes, (a, b) => (IReadOnlyList<Instruction>)[.. a, .. b])]);
        return program with { Phases = [.. program.Phases.Take(at), joined, .. program.Phases.Skip(at + 2)] };
    }, "without a barrier");

    [Fact]
    public void Verify_ProducerLeftOut_IsRejected() => AssertRejected((program, pick) =>
    {
        // Phases that write into the residual in place, or join attention, have other writers before them.
        return WithoutPhase(program, pick, phase => phase.Lanes[0].All(i => i.Opcode != Opcodes.MatMulAdd && i.Opcode != Opcodes.JoinAttention));
    }, "read before it is written");

    [Fact]
    public void Verify_JoinLeftOut_IsRejected() => AssertRejected(
        (program, pick) => WithoutPhase(program, pick, phase => phase.Lanes[0].Any(i => i.Opcode == Opcodes.JoinAttention)), "not joined before it is read");

    [Fact]
    public void Verify_StepsOfALaneInWrongOrder_IsRejected() => AssertRejected((program, pick) =>
    {
        int[] candidates = [.. Enumerable.Range(0, program.Phases.Count).Where(p => program.Phases[p].Lanes[0].Any(i => i.Opcode == Opcodes.Norm) && program.Phases[p].Lanes[0].Count > 1)];
        int at = candidates[pick % candidates.Length];
        var phase = program.Phases[at] with { Lanes = [.. program.Phases[at].Lanes.Select(l => (IReadOnlyList<Instruction>)[.. l.Reverse()])] };
        return program with { Phases = [.. program.Phases.Select((p, i) => i == at ? phase : p)] };
    }, "read before it is written", rows: 1);

    [Fact]
    public void Verify_PrivateBufferNotWrittenByALane_IsRejected() => AssertRejected(
        (program, pick) => Replace(program, pick, i => program.Buffers[i.Output].Place == BufferPlace.Lane, _ => []), "by each lane for itself", rows: 1);

    /// <summary>Puts a fault, chosen by a number, into sound programs of 2 to 4 lanes and expects a message.</summary>
    private void AssertRejected(Func<StreamProgram, int, StreamProgram> breakIt, string message, int? rows = null)
    {
        var file = _models.Open(new() { Type = GgmlType.Q4_0 });
        var programs = new List<StreamProgram>();
        for (int lanes = 2; lanes <= 4; lanes++)
        {
            programs.AddRange(ModelCompiler.Compile(file, new TestTarget(lanes), new CompilerOptions(ActivationMode.Int8, KvElement.F16, rows ?? 32)).Programs);
        }

        var cases = from program in Gen.Choose(0, programs.Count - 1) from pick in Gen.Choose(0, 100_000) select (program, pick);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(20261123, 7),
            Prop.ForAll(cases.ToArbitrary(), c => ProgramVerifier.Verify(breakIt(programs[c.program], c.pick)).Any(e => e.Contains(message, StringComparison.Ordinal))));
    }

    /// <summary>Leaves out one of the phases that fit, but never the last.</summary>
    private static StreamProgram WithoutPhase(StreamProgram program, int pick, Func<Phase, bool> fits)
    {
        int[] candidates = [.. Enumerable.Range(0, program.Phases.Count - 1).Where(p => fits(program.Phases[p]))];
        int at = candidates[pick % candidates.Length];
        return program with { Phases = [.. program.Phases.Where((_, p) => p != at)] };
    }

    private static bool IsMatrix(Instruction i) => i.Opcode.IsMatrix;

    /// <summary>Replaces one of the instructions that fit.</summary>
    private static StreamProgram Replace(StreamProgram program, int pick, Func<Instruction, bool> fits, Func<Instruction, Instruction[]> change)
    {
        int left = pick % program.Phases.Sum(p => p.Lanes.Sum(l => l.Count(fits)));
        return program with
        {
            Phases = [.. program.Phases.Select(p => p with
            {
                Lanes = [.. p.Lanes.Select(l => (IReadOnlyList<Instruction>)[.. l.SelectMany(i => fits(i) && left-- == 0 ? change(i) : [i])])],
            })],
        };
    }
}
