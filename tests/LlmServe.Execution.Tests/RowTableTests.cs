namespace LlmServe.Execution.Tests;

public class RowTableTests
{
    [Fact]
    public void Add_SelectedAndOtherRows_NumbersTheSelected()
    {
        var rows = new RowTable(4, 2, 3);

        Assert.Equal(0, rows.Add(1, 5, 7, select: true));
        Assert.Equal(-1, rows.Add(0, 0, 8, select: false));
        Assert.Equal(1, rows.Add(0, 1, 9, select: true));

        Assert.Equal([7, 8, 9], rows.Tokens.ToArray());
        Assert.Equal([5, 0, 1], rows.Positions.ToArray());
        Assert.Equal([1, 0, 0], rows.RowSlots.ToArray());
        Assert.Equal([0, 2], rows.SelectedRows.ToArray());
    }

    [Fact]
    public void Clear_AfterRows_KeepsBlockTables()
    {
        var rows = new RowTable(4, 2, 3, groups: 2);
        rows.BlockTable(1, 1)[2] = 42;
        rows.Add(0, 0, 0, select: true);

        rows.Clear();

        Assert.Equal((0, 0), (rows.Count, rows.SelectedCount));
        Assert.Equal(42, rows.BlockTables(1)[5]);
        Assert.Equal(0, rows.BlockTables(0)[5]);
    }

    [Fact]
    public unsafe void Tokens_OfEveryTick_BeginAtOneAddress()
    {
        var rows = new RowTable(4, 2, 3);
        fixed (int* empty = &System.Runtime.InteropServices.MemoryMarshal.GetReference(rows.Tokens))
        {
            rows.Add(0, 0, 3, select: true);
            fixed (int* one = rows.Tokens)
            {
                Assert.True(empty == one);
            }
        }
    }
}
