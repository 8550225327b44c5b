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
    public void All_Formats_AreTheFifteenThatAreServed()
    {
        string[] expected = ["F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "BF16"];
        Assert.Equal(string.Join(", ", expected), BlockFormat.SupportedNames);
    }
}
