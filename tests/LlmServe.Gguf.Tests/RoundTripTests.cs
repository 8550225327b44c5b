using FsCheck;
using FsCheck.Fluent;
using LlmServe.Gguf.Formats;
using Microsoft.FSharp.Core;

namespace LlmServe.Gguf.Tests;

/// <summary>What the writer writes, the reader reads: for any metadata and any tensors.</summary>
public sealed unsafe class RoundTripTests
{
    private static readonly Config Fixed = Config.QuickThrowOnFailure.WithMaxTest(300)
        .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(20261123, 7), FSharpOption<int>.None)));

    private sealed record Blob(string Name, GgmlType Type, long[] Dimensions, byte[] Data);

    [Fact]
    public void Write_AnyMetadata_ReadsBackEqual()
    {
        var entries = from value in Value(3)
                      from key in ArbMap.Default.GeneratorFor<NonEmptyString>()
                      select (Key: Clean(key.Get), Value: value);
        Check.One(Fixed, Prop.ForAll(Gen.ListOf(entries).ToArbitrary(), drawn =>
        {
            var unique = drawn.DistinctBy(entry => entry.Key).Where(entry => entry.Key is not ("general.alignment" or "split.count")).ToList();
            var writer = new GgufWriter();
            unique.ForEach(entry => writer.Add(entry.Key, entry.Value));
            byte[] bytes = TestModels.Bytes(writer);
            TestModels.Use(bytes, file =>
            {
                Assert.Equal(unique.Select(entry => entry.Key), file.Metadata.Entries.Select(entry => entry.Key));
                var again = new GgufWriter();
                foreach (var (expected, actual) in unique.Zip(file.Metadata.Entries))
                {
                    AssertSame(expected.Value, actual.Value);
                    again.Add(actual.Key, actual.Value);
                }

                Assert.Equal(bytes, TestModels.Bytes(again));
            });
        }));
    }

    [Fact]
    public void Write_AnyTensors_ReadBackEqual()
    {
        BlockFormat[] formats = [.. BlockFormat.All];
        var blob = from format in Gen.Elements(formats)
                   from blocks in Gen.Choose(1, 3)
                   from rest in Gen.Choose(0, 3).SelectMany(count => Gen.Choose(1, 3).ArrayOf(count))
                   from seed in Gen.Choose(0, int.MaxValue)
                   select Make(format, blocks, rest, seed);
        var model = from blobs in Gen.ListOf(blob) from shift in Gen.Choose(3, 9) select (Blobs: blobs.ToList(), Alignment: 1 << shift);
        Check.One(Fixed, Prop.ForAll(model.ToArbitrary(), drawn =>
        {
            var writer = new GgufWriter(drawn.Alignment);
            drawn.Blobs.ForEach(item => writer.AddTensor(item.Name, item.Type, item.Dimensions, stream => stream.Write(item.Data)));
            TestModels.Use(TestModels.Bytes(writer), file =>
            {
                Assert.Equal(drawn.Blobs.Count, file.Tensors.Count);
                foreach (var item in drawn.Blobs)
                {
                    var tensor = file.GetTensor(item.Name);
                    Assert.Equal(item.Type, tensor.Type);
                    Assert.Equal(item.Dimensions, tensor.Dimensions);
                    Assert.Equal(0, tensor.Offset % drawn.Alignment);
                    Assert.True(file.BytesOf(tensor).SequenceEqual(item.Data));
                }
            });
        }));
    }

    [Fact]
    public void Save_File_OpensEqual()
    {
        using var folder = new TempFolder();
        var data = TestModels.Random(1, 4 * 144);
        new GgufWriter().Add("a", GgufValue.Of("b")).AddTensor("t", GgmlType.Q4_K, [512, 2], data).Save(folder["saved.gguf"]);
        using var file = GgufFile.Open(folder["saved.gguf"]);
        Assert.Equal("b", file.Metadata.GetString("a"));
        Assert.Equal(data, file.BytesOf(file.GetTensor("t")).ToArray());
        Assert.Equal(new FileInfo(folder["saved.gguf"]).Length, file.Length);
    }

    [Fact]
    public void Add_NotAllowed_ThrowsArgumentException()
    {
        var writer = new GgufWriter().Add("k", GgufValue.Of(1)).AddTensor("t", GgmlType.F32, [2], new byte[8]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GgufWriter(alignment: 24));
        Assert.Throws<ArgumentException>(() => writer.Add("k", GgufValue.Of(1)));
        Assert.Throws<ArgumentException>(() => writer.Add("", GgufValue.Of(1)));
        Assert.Throws<ArgumentException>(() => writer.Add("\uD800", GgufValue.Of(1)));
        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", GgufValue.Of(64u)));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", GgmlType.F32, [2], new byte[8]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [2], new byte[7]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [1, 0], new byte[0]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [long.MaxValue, 3], _ => { }));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.Q4_0, [16], new byte[9]));
        Assert.Throws<GgufException>(() => writer.AddTensor("u", (GgmlType)5, [32], new byte[9]));
        Assert.Throws<ArgumentException>(() => GgufValue.ArrayOf(GgufValueType.Int32, [GgufValue.Of(1u)]));
    }

    [Fact]
    public void WriteTo_CallbackWritesTooLittle_Throws()
    {
        var writer = new GgufWriter().AddTensor("t", GgmlType.F32, [2], stream => stream.Write(new byte[4]));
        var error = Assert.Throws<InvalidOperationException>(() => TestModels.Bytes(writer));
        Assert.Contains("4 bytes were written; 8 are needed", error.Message);
    }

    private static Blob Make(BlockFormat format, int blocks, int[] rest, int seed)
    {
        long[] dimensions = [blocks * format.BlockSize, .. rest];
        long bytes = format.BytesOf(dimensions.Aggregate(1L, (product, dimension) => product * dimension));
        return new Blob($"{format.Name}.{seed}.{string.Join("x", dimensions)}", format.Type, dimensions, TestModels.Random(seed, bytes));
    }

    private static string Clean(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static Gen<GgufValue> Value(int depth)
    {
        Gen<GgufValue> any = Gen.Elements(Enum.GetValues<GgufValueType>().Where(type => type != GgufValueType.Array)).SelectMany(Scalar);
        Gen<GgufValue> flat = Gen.Elements(Enum.GetValues<GgufValueType>().Where(type => type != GgufValueType.Array))
            .SelectMany(type => Scalar(type).ListOf().Select(items => GgufValue.ArrayOf(type, items.ToArray())));
        return depth == 0
            ? Gen.OneOf(any, flat)
            : Gen.OneOf(any, flat, Gen.OneOf(flat, Nested(depth - 1)));
    }

    private static Gen<GgufValue> Nested(int depth) => Value(depth).Where(value => value.IsArray).ListOf()
        .Select(items => GgufValue.ArrayOf(GgufValueType.Array, items.Take(4).ToArray()));

    private static Gen<GgufValue> Scalar(GgufValueType type) => type == GgufValueType.String
        ? ArbMap.Default.GeneratorFor<byte[]>().Select(bytes => GgufValue.FromUtf8(bytes))
        : ArbMap.Default.GeneratorFor<byte[]>().Where(bytes => bytes.Length >= 8).Resize(20).Select(bytes =>
            GgufValue.Scalar(type, type == GgufValueType.Bool ? bytes[0] & 1u : GgufValue.ReadBits(type, bytes)));

    private static void AssertSame(GgufValue expected, GgufValue actual)
    {
        Assert.Equal(expected.Type, actual.Type);
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected.Stored.Bits, actual.Stored.Bits);
        Assert.Equal(expected.TryGetUtf8(out var left), actual.TryGetUtf8(out var right));
        Assert.True(left.SequenceEqual(right));
        if (expected.IsArray)
        {
            Assert.Equal(expected.ElementType, actual.ElementType);
            for (int i = 0; i < expected.Count; i++)
            {
                AssertSame(expected[i], actual[i]);
            }
        }
    }
}
