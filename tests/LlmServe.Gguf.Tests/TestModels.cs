namespace LlmServe.Gguf.Tests;

/// <summary>Small valid files, and what every reader of a file may do with it.</summary>
internal static unsafe class TestModels
{
    /// <summary>Files below 2 KB that together hold every metadata type, nesting, several formats and another alignment.</summary>
    public static IReadOnlyList<byte[]> Small { get; } = [Llama(), EveryType(), Metadata(), Aligned()];

    public static byte[] Bytes(GgufWriter writer)
    {
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();
    }

    /// <summary>Opens a file that lies in memory and hands it to <paramref name="use"/>.</summary>
    public static void Use(byte[] bytes, Action<GgufFile> use)
    {
        fixed (byte* data = bytes)
        {
            using var file = GgufFile.FromMemory(data, bytes.Length, "memory.gguf");
            use(file);
        }
    }

    /// <summary>Reads every byte of every tensor, decodes what can be decoded, and asks for all metadata in every way.</summary>
    public static void TouchEverything(GgufFile file)
    {
        foreach (var (key, value) in file.Metadata.Entries)
        {
            Assert.True(file.Metadata.Contains(key));
            Touch(value);
        }

        foreach (var tensor in file.Tensors)
        {
            Assert.Same(tensor, file.GetTensor(tensor.Name));
            long sum = 0;
            foreach (byte data in file.BytesOf(tensor))
            {
                sum += data;
            }

            Assert.InRange(sum, 0, 255 * tensor.ByteLength);
            if (tensor.Format.CanDecode)
            {
                float[] row = new float[tensor.Columns];
                for (long i = 0; i < tensor.Rows; i++)
                {
                    file.DecodeRow(tensor, i, row);
                }
            }
        }
    }

    public static byte[] Random(int seed, long count)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static void Touch(GgufValue value)
    {
        Assert.NotNull(value.ToString());
        value.TryGetString(out _);
        value.TryGetBool(out _);
        value.TryGetInt64(out _);
        value.TryGetDouble(out _);
        value.TryGetSingles(out _);
        value.TryGetInt32s(out _);
        if (value.TryGetStrings(out var strings))
        {
            Assert.Equal(value.Count, strings.Sum(text => text.Length >= 0 ? 1 : 0));
        }

        for (int i = 0; value.IsArray && i < value.Count; i++)
        {
            Touch(value[i]);
        }
    }

    private static byte[] Llama() => Bytes(new GgufWriter()
        .Add("general.architecture", GgufValue.Of("llama"))
        .Add("llama.block_count", GgufValue.Of(1u))
        .Add("llama.rope.freq_base", GgufValue.Of(10000f))
        .Add("tokenizer.ggml.tokens", GgufValue.FromUtf8([[0x61], [0xC3], [0xE2, 0x82, 0xAC], [], [0xFF, 0xFE]]))
        .Add("tokenizer.ggml.scores", GgufValue.Of([0f, -1f, -2f, -3f, -4f]))
        .Add("tokenizer.ggml.token_type", GgufValue.Of([1, 1, 1, 3, 6]))
        .AddTensor("token_embd.weight", GgmlType.Q4_0, [32, 5], Random(1, 5 * 18))
        .AddTensor("blk.0.attn_norm.weight", GgmlType.F32, [32], Random(2, 128))
        .AddTensor("blk.0.attn_q.weight", GgmlType.Q8_0, [32, 2, 2, 1], Random(3, 4 * 34)));

    private static byte[] EveryType() => Bytes(new GgufWriter()
        .Add("u8", GgufValue.Of((byte)200)).Add("i8", GgufValue.Of((sbyte)-7)).Add("u16", GgufValue.Of((ushort)60000))
        .Add("i16", GgufValue.Of((short)-30000)).Add("u32", GgufValue.Of(4000000000u)).Add("i32", GgufValue.Of(-2000000000))
        .Add("u64", GgufValue.Of(ulong.MaxValue)).Add("i64", GgufValue.Of(long.MinValue)).Add("f32", GgufValue.Of(0.1f))
        .Add("f64", GgufValue.Of(0.1)).Add("bool", GgufValue.Of(true)).Add("string", GgufValue.Of("text"))
        .Add("bools", GgufValue.ArrayOf(GgufValueType.Bool, [GgufValue.Of(true), GgufValue.Of(false)]))
        .Add("u8s", GgufValue.ArrayOf(GgufValueType.UInt8, [GgufValue.Of((byte)1), GgufValue.Of((byte)255)]))
        .Add("f64s", GgufValue.ArrayOf(GgufValueType.Float64, [GgufValue.Of(1.5), GgufValue.Of(-2.5)]))
        .Add("empty", GgufValue.ArrayOf(GgufValueType.String, []))
        .AddTensor("t", GgmlType.Q6_K, [256], Random(4, 210)));

    private static byte[] Metadata() => Bytes(new GgufWriter()
        .Add("nested", GgufValue.ArrayOf(GgufValueType.Array, [GgufValue.Of([1, 2, 3]), GgufValue.Of(["a", "bc"]), GgufValue.Of([0.5f])]))
        .Add("deep", GgufValue.ArrayOf(GgufValueType.Array, [GgufValue.ArrayOf(GgufValueType.Array, [GgufValue.Of([7])])]))
        .Add("split.count", GgufValue.Of((ushort)1)));

    private static byte[] Aligned() => Bytes(new GgufWriter(alignment: 64)
        .AddTensor("a", GgmlType.Q4_K, [256, 2], Random(5, 288))
        .AddTensor("b", GgmlType.F16, [3, 5], Random(6, 30))
        .AddTensor("c", GgmlType.I32, [4], Random(7, 16))
        .AddTensor("d", GgmlType.IQ4_XS, [256], Random(8, 136))
        .AddTensor("e", GgmlType.Q8_1, [32], Random(9, 36)));
}
