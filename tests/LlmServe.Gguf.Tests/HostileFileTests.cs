namespace LlmServe.Gguf.Tests;

/// <summary>One defect per file: the error has to name the field, what was found and what is allowed.</summary>
public sealed class HostileFileTests
{
    private static readonly Dictionary<string, (byte[] Bytes, string[] Fragments)> Cases = new()
    {
        ["empty"] = ([], ["length", "0 bytes", "24"]),
        ["short header"] = (RawGguf.Header(0, 0).Build()[..23], ["length", "23 bytes"]),
        ["magic"] = (new RawGguf().Ascii("GGML").U32(3).U64(0).U64(0).Build(), ["magic", "0x4c4d4747", "GGUF"]),
        ["git lfs"] = (new RawGguf().Ascii("version https://git-lfs.github.com/spec/v1\noid sha256:0").Build(), ["Git LFS pointer", "git lfs pull"]),
        ["version 1"] = (RawGguf.Header(0, 0, 1).Build(), ["version", "found 1", "2 and 3"]),
        ["version 4"] = (RawGguf.Header(0, 0, 4).Build(), ["version", "found 4", "2 and 3"]),
        ["big endian"] = (RawGguf.Header(0, 0, 0x03000000).Build(), ["byte order", "big-endian", "little"]),
        ["tensor count"] = (RawGguf.Header(ulong.MaxValue, 0).Build(), ["tensor count", "18446744073709551615", "at most"]),
        ["tensor count above file"] = (RawGguf.Header(2, 0).Tensor("a", GgmlType.F32, 0, 1).Build(), ["tensor count", "found 2", "at most 1"]),
        ["key count"] = (RawGguf.Header(0, 1ul << 40).Build(), ["metadata count", "1099511627776"]),
        ["key length"] = (RawGguf.Header(0, 1).U64(1ul << 63).Bytes(new byte[20]).Build(), ["metadata key number 0 length", "9223372036854775808"]),
        ["key empty"] = (RawGguf.Header(0, 1).U64(0).Bytes(new byte[20]).Build(), ["metadata key number 0 length", "0 bytes", "1 to 65535"]),
        ["key too long"] = (RawGguf.Header(0, 1).U64(65536).Bytes(new byte[70000]).Build(), ["metadata key number 0 length", "65536 bytes"]),
        ["key not UTF-8"] = (RawGguf.Header(0, 1).U64(2).Bytes(0xC3, 0x28).Bytes(new byte[20]).Build(), ["metadata key number 0", "UTF-8"]),
        ["key twice"] = (RawGguf.Header(0, 2).Key("k", GgufValueType.UInt8).Bytes(1).Key("k", GgufValueType.UInt8).Bytes(1).Build(), ["'k'", "twice"]),
        ["value type"] = (RawGguf.Header(0, 1).Key("k", (GgufValueType)13).U64(0).Build(), ["'k'", "value type 13", "0 to 12"]),
        ["value cut"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.UInt64).U32(0).Build(), ["'k'", "8 bytes needed", "4 left"]),
        ["bool"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Bool).Bytes(2).Build(), ["'k'", "bool with value 2", "0 or 1"]),
        ["bools"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32(7).U64(3).Bytes(0, 1, 9).Build(), ["'k'", "bools other than"]),
        ["string length"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.String).U64(ulong.MaxValue).Build(), ["'k'", "18446744073709551615"]),
        ["array count"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32(5).U64(1ul << 62).U64(0).Build(), ["'k'", "4611686018427387904", "at most 2"]),
        ["array of strings count"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32(8).U64(3).U64(0).U64(0).Build(), ["'k'", "found 3", "at most 2"]),
        ["array string length"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32(8).U64(2).U64(0).U64(9).Ascii("short").Build(), ["'k' string 1 length", "9 bytes", "5 left"]),
        ["array of arrays count"] = (RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32(9).U64(1ul << 50).U64(0).Build(), ["'k'", "1125899906842624"]),
        ["nesting"] = (Nested(5), ["'k'", "nested more deeply", "4 levels"]),
        ["alignment zero"] = (RawGguf.Header(0, 1).Key("general.alignment", GgufValueType.UInt32).U32(0).Build(), ["general.alignment", "found 0", "power of two"]),
        ["alignment odd"] = (RawGguf.Header(0, 1).Key("general.alignment", GgufValueType.UInt32).U32(48).Build(), ["general.alignment", "found 48", "power of two"]),
        ["alignment huge"] = (RawGguf.Header(0, 1).Key("general.alignment", GgufValueType.UInt64).U64(1ul << 62).Build(), ["general.alignment", "power of two"]),
        ["alignment type"] = (RawGguf.Header(0, 1).Key("general.alignment", GgufValueType.String).Text("32").Build(), ["general.alignment", "string '32'", "integer"]),
        ["tensor name length"] = (RawGguf.Header(1, 0).U64(1025).Bytes(new byte[2000]).Build(), ["tensor number 0 name length", "1025 bytes", "1 to 1024"]),
        ["tensor name twice"] = (RawGguf.Header(2, 0).Tensor("a", GgmlType.F32, 0, 1).Tensor("a", GgmlType.F32, 32, 1).Data(64).Build(), ["'a'", "twice"]),
        ["no dimensions"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0).Data(64).Build(), ["'a' dimensions", "found 0", "1 to 4"]),
        ["five dimensions"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0, 1, 1, 1, 1, 1).Data(64).Build(), ["'a' dimensions", "found 5", "1 to 4"]),
        ["dimension zero"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0, 4, 0).Data(64).Build(), ["'a' dimension 1", "found 0"]),
        ["dimension huge"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0, ulong.MaxValue).Data(64).Build(), ["'a' dimension 0", "18446744073709551615"]),
        ["dimensions overflow"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0, 1ul << 32, 1ul << 32, 16).Data(64).Build(), ["'a' dimension 1", "4294967296", "2^56"]),
        ["type"] = (RawGguf.Header(1, 0).Tensor("a", (GgmlType)4, 0, 32).Data(64).Build(), ["'a' type", "found 4", "2 Q4_0"]),
        ["type huge"] = (RawGguf.Header(1, 0).Tensor("a", (GgmlType)uint.MaxValue, 0, 32).Data(64).Build(), ["'a' type", "4294967295"]),
        ["columns"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.Q4_K, 0, 128, 2).Data(256).Build(), ["'a' dimension 0", "128 columns of Q4_K", "multiple of 256"]),
        ["offset unaligned"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 16, 1).Data(64).Build(), ["'a' offset", "found 16", "alignment 32"]),
        ["offset outside"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 1ul << 63, 1).Data(64).Build(), ["'a' offset", "9223372036854775808", "at most 64"]),
        ["data outside"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 32, 9).Data(64).Build(), ["'a' data", "36 bytes", "truncated"]),
        ["no data at all"] = (RawGguf.Header(1, 0).Tensor("a", GgmlType.F32, 0, 1).Build(), ["'a' data", "4 bytes", "truncated"]),
        ["overlap"] = (RawGguf.Header(2, 0).Tensor("a", GgmlType.F32, 32, 8).Tensor("b", GgmlType.F32, 0, 9).Data(64).Build(), ["'a' offset", "inside tensor 'b'"]),
        ["same place"] = (RawGguf.Header(2, 0).Tensor("a", GgmlType.F32, 0, 8).Tensor("b", GgmlType.F32, 0, 8).Data(64).Build(), ["inside tensor"]),
        ["split in memory"] = (RawGguf.Header(0, 1).Key("split.count", GgufValueType.UInt16).Bytes(3, 0).Build(), ["file name", "-00001-of-00003.gguf"]),
        ["split count"] = (RawGguf.Header(0, 1).Key("split.count", GgufValueType.Int32).U32(uint.MaxValue).Build(), ["split.count", "found -1"]),
    };

    public static TheoryData<string> Names => new(Cases.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Open_OneDefect_NamesFieldFoundAndAllowed(string name)
    {
        var (bytes, fragments) = Cases[name];
        var fromMemory = Assert.Throws<GgufException>(() => TestModels.Use(bytes, TestModels.TouchEverything));
        using var folder = new TempFolder();
        var fromFile = Assert.Throws<GgufException>(() => GgufFile.Open(folder.Write("bad.gguf", bytes)).Dispose());
        Assert.StartsWith("memory.gguf: ", fromMemory.Message);
        Assert.StartsWith(folder["bad.gguf"] + ": ", fromFile.Message);
        Assert.All(fragments, fragment => Assert.Contains(fragment, fromMemory.Message));
        Assert.All(fragments, fragment => Assert.Contains(fragment, fromFile.Message));
    }

    [Fact]
    public void Open_NestingAsDeepAsAllowed_IsRead() =>
        TestModels.Use(Nested(4), file => Assert.Equal(GgufValueType.Array, file.Metadata.Entries.Single().Value.Type));

    [Fact]
    public void Open_ControlCharactersInNames_AreEscapedInTheMessage()
    {
        byte[] bytes = RawGguf.Header(0, 1).Key("a\n\u001b[31m", (GgufValueType)99).U64(0).Build();
        var error = Assert.Throws<GgufException>(() => TestModels.Use(bytes, _ => { }));
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.Contains("'a\\u000a\\u001b[31m'", error.Message);
    }

    [Theory]
    [InlineData(GgufValueType.UInt8, 1)]
    [InlineData(GgufValueType.String, 8)]
    [InlineData(GgufValueType.Array, 12)]
    public void Open_MetadataBeyondAllReason_IsRefusedBeforeMemoryIsTaken(GgufValueType elementType, int elementBytes)
    {
        // The file is sparse: it claims 600 MB and takes none on disk.
        const long Claimed = 600_000_000;
        using var folder = new TempFolder();
        byte[] start = RawGguf.Header(0, 1).Key("k", GgufValueType.Array).U32((uint)elementType).U64((ulong)(Claimed / 2 / elementBytes)).Build();
        string path = folder.Write("sparse.gguf", start);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            stream.SetLength(Claimed);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(path).Dispose());
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Contains("'k'", error.Message);
        Assert.Contains("within the first 268435456 bytes", error.Message);
        Assert.InRange(allocated, 0, 1 << 20);
    }

    private static byte[] Nested(int levels)
    {
        var raw = RawGguf.Header(0, 1).Key("k", GgufValueType.Array);
        for (int i = 1; i < levels; i++)
        {
            raw.U32((uint)GgufValueType.Array).U64(1);
        }

        return raw.U32((uint)GgufValueType.UInt8).U64(0).Build();
    }
}
