using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Memory;
using LlmServe.Execution;

namespace LlmServe.Engine.Tests;

public class SequenceMemoryTests
{
    private const int Slots = 4;
    private const int Blocks = 12;

    [Fact]
    public void Give_FreeNumber_Throws()
    {
        var list = new FreeList(2);
        Assert.True(list.TryTake(out int number));
        list.Give(number);
        Assert.Throws<InvalidOperationException>(() => list.Give(number));
    }

    [Fact]
    public void AgedList_RandomUse_KeepsTheOrderOfAppending()
    {
        var random = new Random(5);
        var list = new AgedList(20);
        var expected = new List<int>();
        for (int i = 0; i < 2000; i++)
        {
            int number = random.Next(20);
            Assert.Equal(expected.Contains(number), list.Contains(number));
            if (random.Next(3) == 0 || list.Contains(number))
            {
                Assert.Equal(expected.Remove(number), list.Remove(number));
            }
            else
            {
                expected.Add(number);
                list.Append(number);
            }

            Assert.Equal((expected.Count, expected.FirstOrDefault(-1)), (list.Count, list.Oldest));
        }
    }

    [Fact]
    public void TryEnsure_RandomGrowthAndFrees_NeverSharesOrLosesABlock()
    {
        var step = from slot in Gen.Choose(0, Slots - 1)
                   from positions in Gen.Choose(0, 200)
                   from frees in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true)))
                   select (Slot: slot, Positions: positions, Frees: frees);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(42, 4243),
            Prop.ForAll(step.ListOf().ToArbitrary(), steps => HoldsInvariants([.. steps])));
    }

    private static bool HoldsInvariants((int Slot, int Positions, bool Frees)[] steps)
    {
        var rows = new RowTable(1, Slots, 7);
        var memory = TestMemory.OneGroup(rows, Blocks, prefixCache: false);
        foreach (var (slot, positions, frees) in steps)
        {
            int held = memory.Held(slot);
            int wanted = KvBlock.CountFor(positions);
            if (frees)
            {
                memory.Release(slot);
            }
            else
            {
                bool fits = wanted - held <= memory.Available;
                if (memory.TryEnsure(slot, positions) != fits || memory.Held(slot) != (fits ? Math.Max(held, wanted) : held))
                {
                    return false;
                }
            }

            var inUse = Enumerable.Range(0, Slots).SelectMany(s => rows.BlockTable(s)[..memory.Held(s)].ToArray()).ToArray();
            if (inUse.Distinct().Count() != inUse.Length || inUse.Any(block => block is < 0 or >= Blocks) || inUse.Length + memory.Available != Blocks)
            {
                return false;
            }
        }

        for (int slot = 0; slot < Slots; slot++)
        {
            memory.Release(slot);
        }

        return memory.Available == Blocks;
    }
}
