using Iced.Intel;
using LlmServe.Cpu.Kernels.Vnni;
using Assembler = LlmServe.Cpu.Kernels.Vnni.Assembler;
using MemoryOperand = LlmServe.Cpu.Kernels.Vnni.MemoryOperand;

namespace LlmServe.Cpu.Tests.Kernels.Vnni;

/// <summary>What the assembler writes is what another project's disassembler (Iced) reads.</summary>
public class AssemblerTests
{
    private const int Samples = 200;

    private static readonly Gpr[] Bases = [Gpr.Rax, Gpr.Rcx, Gpr.Rdx, Gpr.Rsi, Gpr.Rdi, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11];

    /// <summary>Instructions of three registers, or of two: the mnemonic, and whether there is a first source.</summary>
    private static readonly (Evex Op, Mnemonic Mnemonic, bool HasFirst)[] Registers =
    [
        (Evex.And, Mnemonic.Vpandd, true), (Evex.Or, Mnemonic.Vpord, true), (Evex.Xor, Mnemonic.Vpxord, true), (Evex.ShuffleBytes, Mnemonic.Vpshufb, true),
        (Evex.DotBytes, Mnemonic.Vpdpbusd, true), (Evex.DotWords, Mnemonic.Vpdpwssd, true), (Evex.ToSingle, Mnemonic.Vcvtdq2ps, false),
        (Evex.Multiply, Mnemonic.Vmulps, true), (Evex.Add, Mnemonic.Vaddps, true), (Evex.MultiplyAdd, Mnemonic.Vfmadd231ps, true),
    ];

    private static readonly (Evex Op, Mnemonic Mnemonic, int Unit, bool HasFirst)[] Memory =
    [
        (Evex.Load, Mnemonic.Vmovdqu32, 64, false), (Evex.Broadcast, Mnemonic.Vpbroadcastd, 4, false),
        (Evex.BroadcastQuarter, Mnemonic.Vbroadcasti32x4, 16, false), (Evex.SignedBytesTo32, Mnemonic.Vpmovsxbd, 16, false),
        (Evex.UnsignedWordsTo32, Mnemonic.Vpmovzxwd, 32, false), (Evex.HalvesToSingles, Mnemonic.Vcvtph2ps, 32, false),
        (Evex.And, Mnemonic.Vpandd, 4, true), (Evex.Xor, Mnemonic.Vpxord, 4, true), (Evex.DotBytes, Mnemonic.Vpdpbusd, 4, true),
        (Evex.DotWords, Mnemonic.Vpdpwssd, 4, true), (Evex.Multiply, Mnemonic.Vmulps, 4, true), (Evex.MultiplyAdd, Mnemonic.Vfmadd231ps, 4, true),
    ];

    [Fact]
    public void Vector_RegistersOfEveryNumber_AreReadBack()
    {
        var random = new Random(1);
        foreach (var (op, mnemonic, hasFirst) in Registers)
        {
            for (int i = 0; i < Samples; i++)
            {
                int target = random.Next(32), first = hasFirst ? random.Next(32) : 0, second = random.Next(32);
                var instruction = Read(a => a.Vector(op, target, first, second));
                Assert.Equal(mnemonic, instruction.Mnemonic);
                Assert.Equal(Zmm(target), instruction.Op0Register);
                Assert.Equal(Zmm(second), hasFirst ? instruction.Op2Register : instruction.Op1Register);
                Assert.True(!hasFirst || instruction.Op1Register == Zmm(first));
            }
        }
    }

    [Fact]
    public void Vector_MemoryOfEveryForm_IsReadBack()
    {
        var random = new Random(2);
        foreach (var (op, mnemonic, unit, hasFirst) in Memory)
        {
            for (int i = 0; i < Samples; i++)
            {
                int target = random.Next(32), first = hasFirst ? random.Next(32) : 0;
                var memory = RandomOperand(random, unit);
                var instruction = Read(a => a.Vector(op, target, first, memory));
                Assert.Equal(mnemonic, instruction.Mnemonic);
                Assert.Equal(Zmm(target), instruction.Op0Register);
                Assert.True(!hasFirst || instruction.Op1Register == Zmm(first));
                Assert.Equal(hasFirst && unit == 4, instruction.IsBroadcast);
                AssertMemory(memory, instruction);
            }
        }
    }

    [Fact]
    public void Store_RandomOperand_IsReadBack()
    {
        var random = new Random(3);
        for (int i = 0; i < Samples; i++)
        {
            int source = random.Next(32);
            var memory = RandomOperand(random, 64);
            var instruction = Read(a => a.Vector(Evex.Store, source, 0, memory));
            Assert.Equal(Mnemonic.Vmovdqu32, instruction.Mnemonic);
            Assert.Equal(Zmm(source), instruction.Op1Register);
            AssertMemory(memory, instruction);
        }
    }

    [Fact]
    public void Shift_EveryRegister_IsReadBack()
    {
        foreach (var (op, mnemonic) in new[]
        {
            (Evex.ShiftLeft16, Mnemonic.Vpsllw), (Evex.ShiftRight16, Mnemonic.Vpsrlw), (Evex.ShiftLeft32, Mnemonic.Vpslld),
            (Evex.ShiftRightArithmetic32, Mnemonic.Vpsrad),
        })
        {
            for (int register = 0; register < 32; register++)
            {
                var instruction = Read(a => a.Shift(op, register, 31 - register, 13));
                Assert.Equal(mnemonic, instruction.Mnemonic);
                Assert.Equal(Zmm(register), instruction.Op0Register);
                Assert.Equal(Zmm(31 - register), instruction.Op1Register);
                Assert.Equal(13, instruction.Immediate8);
            }
        }
    }

    [Fact]
    public void Moves_EveryRegister_AreReadBack()
    {
        foreach (var register in Bases)
        {
            var move = Read(a => a.Move(register, Gpr.Rdi, 72));
            Assert.Equal((Mnemonic.Mov, General(register), Register.RDI, 72UL), (move.Mnemonic, move.Op0Register, move.MemoryBase, move.MemoryDisplacement64));
            var add = Read(a => a.Add(register, -70_000));
            Assert.Equal((Mnemonic.Add, General(register), -70_000), (add.Mnemonic, add.Op0Register, (int)add.Immediate32));
            var prefetch = Read(a => a.Prefetch(register, 8256));
            Assert.Equal((Mnemonic.Prefetcht0, General(register), 8256UL), (prefetch.Mnemonic, prefetch.MemoryBase, prefetch.MemoryDisplacement64));
            var address = Read(a => a.LoadAddress(register, new MemoryOperand(Gpr.R9, 0, 1, Gpr.R11, 2)));
            Assert.Equal((Mnemonic.Lea, General(register), Register.R9, Register.R11, 2), (address.Mnemonic, address.Op0Register, address.MemoryBase, address.MemoryIndex, address.MemoryIndexScale));
            var jump = Read(a => a.Jump(Gpr.Rdi, 80));
            Assert.Equal((Mnemonic.Jmp, Register.RDI, 80UL), (jump.Mnemonic, jump.MemoryBase, jump.MemoryDisplacement64));
        }
    }

    [Fact]
    public void Loop_AfterASkip_GoesToItsStartAndPastItsEnd()
    {
        var assembler = new Assembler();
        int start = -1;
        assembler.SkipIfZero(Gpr.R9, () =>
        {
            start = assembler.Position;
            assembler.Add(Gpr.Rcx, 1);
            assembler.Loop(Gpr.R9, start);
        });
        int end = assembler.Position;
        assembler.Return();

        var decoded = Decode(assembler.ToArray());
        Assert.Equal([Mnemonic.Test, Mnemonic.Je, Mnemonic.Add, Mnemonic.Dec, Mnemonic.Jne, Mnemonic.Vzeroupper, Mnemonic.Ret], decoded.Select(i => i.Mnemonic));
        Assert.Equal((Register.R9, Register.R9), (decoded[0].Op0Register, decoded[0].Op1Register));
        Assert.Equal((ulong)end, decoded[1].NearBranchTarget);
        Assert.Equal((ulong)start, decoded[4].NearBranchTarget);
    }

    [Fact]
    public void Constant_EqualOnes_AreOneAndAreReachedFromTheCode()
    {
        var assembler = new Assembler();
        int first = assembler.Constant([1, 2, 3, 4]), second = assembler.Constant([5, 6, 7, 8]);
        Assert.Equal(first, assembler.Constant([1, 2, 3, 4]));
        assembler.Vector(Evex.And, 3, 4, new MemoryOperand(Gpr.Constant, second, 4));
        assembler.Return();

        byte[] bytes = assembler.ToArray();
        var instruction = Decode(bytes)[0];
        Assert.True(instruction.IsIPRelativeMemoryOperand);
        Assert.Equal<byte[]>([5, 6, 7, 8], bytes[(int)instruction.IPRelativeMemoryAddress..][..4]);
    }

    private static MemoryOperand RandomOperand(Random random, int unit)
    {
        // Multiples of the unit fit a short form; others and far ones need the long one.
        int displacement = random.Next(3) switch { 0 => unit * random.Next(-128, 128), 1 => random.Next(-200, 200), _ => random.Next(-100_000, 100_000) };
        var from = Bases[random.Next(Bases.Length)];
        return random.Next(2) == 0
            ? new MemoryOperand(from, displacement, unit)
            : new MemoryOperand(from, displacement, unit, Bases[random.Next(Bases.Length)], 1 << random.Next(4));
    }

    private static void AssertMemory(MemoryOperand expected, Instruction actual)
    {
        Assert.Equal(General(expected.Base), actual.MemoryBase);
        Assert.Equal(expected.Index == Gpr.None ? Register.None : General(expected.Index), actual.MemoryIndex);
        Assert.True(expected.Index == Gpr.None || expected.Scale == actual.MemoryIndexScale);
        Assert.Equal(expected.Displacement, (long)actual.MemoryDisplacement64);
    }

    private static Instruction Read(Action<Assembler> write)
    {
        var assembler = new Assembler();
        write(assembler);
        return Assert.Single(Decode(assembler.ToArray()));
    }

    private static List<Instruction> Decode(byte[] bytes)
    {
        var decoder = Decoder.Create(64, bytes);
        var instructions = new List<Instruction>();
        while (decoder.IP < (ulong)bytes.Length)
        {
            var instruction = decoder.Decode();
            Assert.False(instruction.IsInvalid);
            instructions.Add(instruction);
            if (instruction.Mnemonic == Mnemonic.Ret)
            {
                break; // constants follow
            }
        }

        return instructions;
    }

    private static Register Zmm(int number) => Register.ZMM0 + number;

    private static Register General(Gpr register) => Register.RAX + (int)register;
}
