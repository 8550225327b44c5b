namespace LlmServe.Gguf.Tests;

public sealed class MetadataTests
{
    private static readonly byte[] Model = TestModels.Bytes(new GgufWriter()
        .Add("u8", GgufValue.Of((byte)200)).Add("i8", GgufValue.Of((sbyte)-7)).Add("u32", GgufValue.Of(4000000000u))
        .Add("u64", GgufValue.Of(ulong.MaxValue)).Add("i64", GgufValue.Of(-5_000_000_000)).Add("f32", GgufValue.Of(0.1f)).Add("f64", GgufValue.Of(0.5))
        .Add("bool", GgufValue.Of(true)).Add("text", GgufValue.Of("grüße")).Add("bytes", GgufValue.FromUtf8([0x61, 0xFF]))
        .Add("ints", GgufValue.ArrayOf(GgufValueType.UInt16, [GgufValue.Of((ushort)1), GgufValue.Of((ushort)65535)]))
        .Add("longs", GgufValue.ArrayOf(GgufValueType.Int64, [GgufValue.Of(1L << 40)]))
        .Add("floats", GgufValue.Of([0.5f, -1f])).Add("texts", GgufValue.Of(["a", "b"]))
        .Add("many", GgufValue.Of(Enumerable.Range(0, 100).ToArray().AsSpan())));

    [Fact]
    public void Getters_EveryType_GiveTheValue() => Use(metadata =>
    {
        Assert.Equal(200, metadata.GetInt32("u8"));
        Assert.Equal(-7, metadata.GetInt32("i8"));
        Assert.Equal(4000000000, metadata.GetInt64("u32"));
        Assert.Equal(-5_000_000_000, metadata.GetInt64("i64"));
        Assert.Equal(0.1f, metadata.GetSingle("f32"));
        Assert.Equal(0.5f, metadata.GetSingle("f64"));
        Assert.Equal(-7f, metadata.GetSingle("i8"));
        Assert.Equal(1.8446744e19f, metadata.GetSingle("u64"));
        Assert.True(metadata.GetBool("bool"));
        Assert.Equal("grüße", metadata.GetString("text"));
        Assert.Equal("a\uFFFD", metadata.GetString("bytes"));
        Assert.True(metadata.TryGetInt32s("ints", out int[]? ints));
        Assert.Equal([1, 65535], ints);
        Assert.True(metadata.TryGetSingles("floats", out float[]? floats));
        Assert.Equal([0.5f, -1f], floats);
        Assert.True(metadata.TryGetSingles("ints", out floats));
        Assert.Equal([1f, 65535f], floats);
        Assert.True(metadata.TryGetStrings("texts", out var texts));
        Assert.Equal(["a", "b"], texts);
    });

    [Fact]
    public void Getters_KeyAbsent_GiveFalseOrFallbackOrThrow() => Use(metadata =>
    {
        Assert.False(metadata.Contains("none"));
        Assert.False(metadata.TryGetValue("none", out _));
        Assert.False(metadata.TryGetString("none", out _));
        Assert.False(metadata.TryGetInt32("none", out _));
        Assert.False(metadata.TryGetInt64("none", out _));
        Assert.False(metadata.TryGetSingle("none", out _));
        Assert.False(metadata.TryGetBool("none", out _));
        Assert.False(metadata.TryGetStrings("none", out _));
        Assert.False(metadata.TryGetSingles("none", out _));
        Assert.False(metadata.TryGetInt32s("none", out _));
        Assert.Equal(("x", 3, 0.5f, true), (metadata.GetString("none", "x"), metadata.GetInt32("none", 3), metadata.GetSingle("none", 0.5f), metadata.GetBool("none", true)));
        Action[] required = [() => metadata.GetString("none"), () => metadata.GetInt32("none"), () => metadata.GetInt64("none"), () => metadata.GetSingle("none"), () => metadata.GetBool("none")];
        Assert.All(required, get => Assert.Contains("memory.gguf: metadata key 'none': found nothing", Assert.Throws<GgufException>(get).Message));
    });

    [Fact]
    public void Getters_WrongType_ThrowAndShowTheValue() => Use(metadata =>
    {
        Assert.Contains("'f32': found f32 0.1; allowed: an integer", Assert.Throws<GgufException>(() => metadata.GetInt32("f32")).Message);
        Assert.Contains("u32 4000000000", Assert.Throws<GgufException>(() => metadata.GetInt32("u32")).Message);
        Assert.Contains("u64 18446744073709551615", Assert.Throws<GgufException>(() => metadata.GetInt64("u64")).Message);
        Assert.Contains("string 'grüße'", Assert.Throws<GgufException>(() => metadata.GetInt32("text", 1)).Message);
        Assert.Contains("bool true", Assert.Throws<GgufException>(() => metadata.GetSingle("bool")).Message);
        Assert.Contains("u8 200", Assert.Throws<GgufException>(() => metadata.GetBool("u8")).Message);
        Assert.Contains("array of string", Assert.Throws<GgufException>(() => metadata.GetString("texts")).Message);
        Assert.Contains("array of f32", Assert.Throws<GgufException>(() => metadata.TryGetInt32s("floats", out _)).Message);
        Assert.Contains("array of i64", Assert.Throws<GgufException>(() => metadata.TryGetInt32s("longs", out _)).Message);
        Assert.Contains("string", Assert.Throws<GgufException>(() => metadata.TryGetStrings("text", out _)).Message);
        Assert.Contains("array of string", Assert.Throws<GgufException>(() => metadata.TryGetSingles("texts", out _)).Message);
    });

    [Fact]
    public void ToString_Values_AreReadable() => Use(metadata =>
    {
        string Show(string key) => metadata.TryGetValue(key, out var value) ? value.ToString() : "";
        Assert.Equal("string[2] { 'a', 'b' }", Show("texts"));
        Assert.Equal("i32[100] { 0, 1, 2, 3, 4, 5, 6, 7, … }", Show("many"));
        Assert.Equal("f32[2] { 0.5, -1 }", Show("floats"));
        Assert.Equal("18446744073709551615", Show("u64"));
    });

    [Fact]
    public void Index_OutOfRangeOrNoArray_Throws() => Use(metadata =>
    {
        Assert.True(metadata.TryGetValue("texts", out var texts));
        Assert.Throws<ArgumentOutOfRangeException>(() => texts[2]);
        Assert.True(metadata.TryGetValue("u8", out var scalar));
        Assert.Throws<InvalidOperationException>(() => scalar[0]);
    });

    private static void Use(Action<GgufMetadata> check) => TestModels.Use(Model, file => check(file.Metadata));
}
