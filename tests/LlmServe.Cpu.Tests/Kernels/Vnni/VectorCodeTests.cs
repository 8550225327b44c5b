using Iced.Intel;
using LlmServe.Cpu.Kernels.Vnni;
using Assembler = LlmServe.Cpu.Kernels.Vnni.Assembler;
using MemoryOperand = LlmServe.Cpu.Kernels.Vnni.MemoryOperand;

namespace LlmServe.Cpu.Tests.Kernels.Vnni;

public class VectorCodeTests
{
    /// <summary>Follows which value stands in which register: every source must still be there when it is used.</summary>
    [Fact]
    public void Emit_RandomCode_KeepsEveryValueUntilItsLastUse()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var code = new VectorCode();
            var alive = new List<VectorValue>();
            int kept = random.Next(0, 5);
            for (int i = 0; i < kept; i++)
            {
                alive.Add(code.Keep());
            }

            var expected = new List<(int Target, int First, int Second)>();
            for (int i = 0; i < 100; i++)
            {
                // The last ones alone are used again, so that at most 20 live at once.
                var recent = alive.Take(kept).Concat(alive.Skip(kept).TakeLast(20)).ToArray();
                if (recent.Length < 2 || random.Next(4) == 0)
                {
                    alive.Add(code.Load(Evex.Load, new MemoryOperand(Gpr.Rcx, 64 * i, 64)));
                    expected.Add((alive[^1].Name, -1, -1));
                    continue;
                }

                var first = recent[random.Next(recent.Length)];
                var second = recent[random.Next(recent.Length)];
                alive.Add(code.Combine(Evex.And, first, second));
                expected.Add((alive[^1].Name, first.Name, second.Name));
            }

            AssertValues(code, kept, expected);
        }
    }

    [Fact]
    public void Emit_MoreValuesThanRegisters_Throws()
    {
        var code = new VectorCode();
        var values = Enumerable.Range(0, 33).Select(i => code.Load(Evex.Load, new MemoryOperand(Gpr.Rcx, 64 * i, 64))).ToArray();
        foreach (var value in values)
        {
            code.Into(Evex.And, value, value, value);
        }

        Assert.Contains("no register left", Assert.Throws<InvalidOperationException>(() => code.Emit(new Assembler())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keep_AfterOtherValues_Throws()
    {
        var code = new VectorCode();
        code.Zero();
        Assert.Throws<InvalidOperationException>(() => code.Keep());
    }

    private static void AssertValues(VectorCode code, int kept, List<(int Target, int First, int Second)> expected)
    {
        var assembler = new Assembler();
        code.Emit(assembler);
        var decoder = Decoder.Create(64, assembler.ToArray());
        int[] held = [.. Enumerable.Range(0, 32).Select(register => register < kept ? register : -1)];
        foreach (var (target, first, second) in expected)
        {
            var instruction = decoder.Decode();
            if (first >= 0)
            {
                Assert.Equal((first, second), (held[Number(instruction.Op1Register)], held[Number(instruction.Op2Register)]));
            }

            held[Number(instruction.Op0Register)] = target;
        }
    }

    private static int Number(Register register) => register - Register.ZMM0;
}
