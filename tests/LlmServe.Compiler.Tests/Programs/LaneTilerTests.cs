using FsCheck;
using FsCheck.Fluent;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Tests.Programs;

public class LaneTilerTests
{
    private sealed record Work(int[] Rows, double[] Costs, int Alignment, int Lanes);

    private static readonly Arbitrary<Work> AnyWork = (
        from count in Gen.Choose(1, 4)
        from rows in Gen.Choose(1, 3000).ArrayOf(count)
        from costs in Gen.Choose(1, 5000).Select(c => c / 7.0).ArrayOf(count)
        from alignment in Gen.Elements(16, 32, 48, 64, 128, 320)
        from lanes in Gen.Choose(1, 16)
        select new Work(rows, costs, alignment, lanes)).ToArbitrary();

    [Fact]
    public void Split_AnyMatrices_CoversEveryRowOnceInOrder() => Holds(work =>
    {
        var ranges = Split(work).SelectMany(l => l).ToArray();
        int matrix = 0, next = 0;
        foreach (var range in ranges)
        {
            if (next == work.Rows[matrix])
            {
                (matrix, next) = (matrix + 1, 0);
            }

            Assert.Equal((matrix, next), (range.Matrix, range.Begin));
            Assert.True(range.End > range.Begin);
            next = range.End;
        }

        Assert.Equal((work.Rows.Length - 1, work.Rows[^1]), (matrix, next));
    });

    [Fact]
    public void Split_AnyMatrices_CutsAtMultiplesOrEnds() => Holds(work =>
    {
        foreach (var range in Split(work).SelectMany(l => l))
        {
            Assert.Equal(0, range.Begin % work.Alignment);
            Assert.True(range.End % work.Alignment == 0 || range.End == work.Rows[range.Matrix]);
        }
    });

    [Fact]
    public void Split_AnyMatrices_NoLaneIsOffTheMeanByMoreThanAUnit() => Holds(work =>
    {
        double total = work.Rows.Zip(work.Costs, (r, c) => r * c).Sum();
        double unit = work.Rows.Zip(work.Costs, (r, c) => Math.Min(r, work.Alignment) * c).Max();
        foreach (var lane in Split(work))
        {
            double cost = lane.Sum(r => (r.End - r.Begin) * work.Costs[r.Matrix]);
            Assert.InRange(cost, (total / work.Lanes) - (unit * 1.0001), (total / work.Lanes) + (unit * 1.0001));
        }
    });

    [Fact]
    public void Split_MoreLanesThanTiles_LeavesLanesEmpty()
    {
        var split = LaneTiler.Split([32], [1], 16, 5);
        Assert.Equal(5, split.Count);
        Assert.Equal(2, split.Count(l => l.Count > 0));
    }

    private static IReadOnlyList<IReadOnlyList<TileRange>> Split(Work work)
    {
        var split = LaneTiler.Split(work.Rows, work.Costs, work.Alignment, work.Lanes);
        Assert.Equal(work.Lanes, split.Count);
        return split;
    }

    private static void Holds(Action<Work> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithReplay(5, 11), Prop.ForAll(AnyWork, property));
}
