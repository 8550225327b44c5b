using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Kv;
using LlmServe.Execution;

namespace LlmServe.Engine.Tests;

public class KvCacheManagerTests
{
    private const int Slots = 4;
    private const int Blocks = 12;

    [Fact]
    public void Release_FreeBlock_Throws()
    {
        var pool = new KvBlockPool(2);
        Assert.True(pool.TryTake(out int block));
        Assert.Equal(0, pool.Release(block));
        Assert.Throws<InvalidOperationException>(() => pool.Release(block));
        Assert.Throws<InvalidOperationException>(() => pool.Share(block));
    }

    [Fact]
    public void Share_Block_IsFreeAfterTheLastRelease()
    {
        var pool = new KvBlockPool(1);
        Assert.True(pool.TryTake(out int block));
        pool.Share(block);
        Assert.Equal(1, pool.Release(block));
        Assert.False(pool.TryTake(out _));
        pool.Release(block);
        Assert.Equal(1, pool.FreeCount);
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
        var kv = new KvCacheManager(rows, Blocks, prefixCache: false);
        foreach (var (slot, positions, frees) in steps)
        {
            int held = kv.Held(slot);
            int wanted = KvBlock.CountFor(positions);
            if (frees)
            {
                kv.Free(slot);
            }
            else
            {
                bool fits = wanted - held <= kv.Available;
                if (kv.TryEnsure(slot, positions) != fits || kv.Held(slot) != (fits ? Math.Max(held, wanted) : held))
                {
                    return false;
                }
            }

            var inUse = Enumerable.Range(0, Slots).SelectMany(s => rows.BlockTable(s)[..kv.Held(s)].ToArray()).ToArray();
            if (inUse.Distinct().Count() != inUse.Length || inUse.Any(block => block is < 0 or >= Blocks) || inUse.Length + kv.Available != Blocks)
            {
                return false;
            }
        }

        for (int slot = 0; slot < Slots; slot++)
        {
            kv.Free(slot);
        }

        return kv.Available == Blocks;
    }
}
