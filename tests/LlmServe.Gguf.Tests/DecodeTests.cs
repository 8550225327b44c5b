using System.Text.Json;
using LlmServe.Gguf.Formats;
using LlmServe.Testing;

namespace LlmServe.Gguf.Tests;

public sealed unsafe class DecodeTests
{
    public static TheoryData<GgmlType> Decodable => new(BlockFormat.All.Where(format => format.CanDecode).Select(format => format.Type));

    public static TheoryData<GgmlType> Golden => new(BlockFormat.All.Where(format => format.CanDecode && format.Type != GgmlType.F32).Select(format => format.Type));

    [Theory]
    [MemberData(nameof(Golden))]
    public void DecodeRow_GoldenBlocks_BitEqual(GgmlType type)
    {
        var format = BlockFormat.Get(type);
        byte[] blocks = File.ReadAllBytes(TestData.Local("quants", $"{format.Name}.blocks"));
        byte[] expected = File.ReadAllBytes(TestData.Local("quants", $"{format.Name}.f32"));
        int count = expected.Length / sizeof(float);
        Assert.Equal(format.BytesOf(count), blocks.Length);
        Assert.True(count >= 2048);

        float[] actual = TestRows.Decode(format, blocks, count);

        int[] expectedBits = new int[count];
        Buffer.BlockCopy(expected, 0, expectedBits, 0, expected.Length);
        Assert.Equal(expectedBits, actual.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void All_Formats_AreThoseThatAreServed()
    {
        string[] expected =
        [
            "F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
            "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "IQ1_M", "BF16",
            "TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0", "Q2_0",
        ];
        Assert.Equal(string.Join(", ", expected), BlockFormat.SupportedNames);
    }

    [Theory]
    [MemberData(nameof(Decodable))]
    public void DecodeRow_AnyBytes_IsSafe(GgmlType type)
    {
        // All bits set gives NaN scales; random bytes give every code. A guard page follows the blocks.
        var format = BlockFormat.Get(type);
        int count = 8 * 256;
        using var memory = new GuardedMemory(1 << 14);
        float[] row = new float[count];
        byte[] ones = new byte[format.BytesOf(count)];
        Array.Fill(ones, (byte)0xFF);
        foreach (byte[] blocks in new[] { ones, TestModels.Random(1, ones.Length), TestModels.Random(2, ones.Length) })
        {
            byte* data = memory.Place(blocks);
            fixed (float* destination = row)
            {
                format.DecodeRow(data, destination, count);
            }
        }

        Assert.Equal(TestRows.Decode(format, TestModels.Random(2, ones.Length), count).Select(BitConverter.SingleToInt32Bits), row.Select(BitConverter.SingleToInt32Bits));
        float expected = type switch
        {
            GgmlType.MXFP4 => float.NegativeInfinity, // the exponent of NaN counts as 2^127 after all, times −12
            GgmlType.NVFP4 => -12 * 240f,             // only 0x7F is an exception, and 0xFF is not that
            _ => float.NaN,
        };
        Assert.All(TestRows.Decode(format, ones, count), value => Assert.Equal(expected, value));
    }

    [Fact]
    public void DecodeRow_PartOfABlock_Throws()
    {
        var format = BlockFormat.Get(GgmlType.Q4_K);
        Assert.Throws<ArgumentException>(() => TestRows.Decode(format, new byte[144], 128));
        Assert.Throws<ArgumentException>(() => format.BytesOf(-256));
        Assert.Throws<OverflowException>(() => BlockFormat.Get(GgmlType.F64).BytesOf(long.MaxValue));
    }

    [Fact]
    public void Get_UnknownType_ListsKnown()
    {
        Assert.False(BlockFormat.TryGet((GgmlType)5, out _));
        Assert.False(BlockFormat.TryGet((GgmlType)uint.MaxValue, out _));
        Assert.Contains("IQ2_XXS", Assert.Throws<GgufException>(() => BlockFormat.Get((GgmlType)5)).Message);
    }

    [Fact]
    public void All_BlockSizes_AgreeWithTheGoldenIndex()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("quants", "index.json")));
        var entries = index.RootElement.GetProperty("formats").EnumerateObject().ToList();
        Assert.Equal(27, entries.Count);
        foreach (var entry in entries)
        {
            var format = BlockFormat.Get((GgmlType)entry.Value.GetProperty("id").GetUInt32());
            Assert.Equal(entry.Name, format.Name);
            Assert.Equal(entry.Value.GetProperty("block_size").GetInt32(), format.BlockSize);
            Assert.Equal(entry.Value.GetProperty("block_bytes").GetInt32(), format.BlockBytes);
        }
    }
}
