using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Compiler.Tests;

/// <summary>Writes small llama models, sound or broken in one place, and opens them.</summary>
internal sealed class TestModels : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-compiler-").FullName;
    private readonly List<GgufFile> _open = [];

    /// <summary>Shape and format of a model.</summary>
    public sealed record Plan
    {
        public int Layers { get; init; } = 2;
        public int Width { get; init; } = 256;
        public int FeedForward { get; init; } = 512;
        public int QueryHeads { get; init; } = 4;
        public int KeyHeads { get; init; } = 2;
        public int Vocabulary { get; init; } = 384;
        public GgmlType Type { get; init; } = GgmlType.F16;
        public bool OwnOutput { get; init; } = true;

        /// <summary>Metadata to set or, where null, to leave out.</summary>
        public Dictionary<string, GgufValue?> Metadata { get; init; } = [];

        /// <summary>Tensors to leave out.</summary>
        public HashSet<string> Missing { get; init; } = [];

        /// <summary>Tensors of another type or shape (columns first), or that would not exist.</summary>
        public Dictionary<string, (GgmlType Type, long[] Dimensions)> Other { get; init; } = [];

        /// <summary>A byte to change: tensor, offset.</summary>
        public (string Tensor, int Offset)? Changed { get; init; }
    }

    public GgufFile Open(Plan plan)
    {
        var writer = new GgufWriter();
        foreach (var (key, value) in Metadata(plan))
        {
            writer.Add(key, value);
        }

        foreach (var (name, type, dimensions) in Tensors(plan))
        {
            byte[] data = new byte[BlockFormat.Get(type).BytesOf(dimensions.Aggregate(1L, (a, b) => a * b))];
            if (plan.Changed is { } changed && changed.Tensor == name)
            {
                data[changed.Offset] ^= 1;
            }

            writer.AddTensor(name, type, dimensions, data);
        }

        string path = Path.Combine(_folder, $"{_open.Count}.gguf");
        writer.Save(path);
        _open.Add(GgufFile.Open(path));
        return _open[^1];
    }

    public void Dispose()
    {
        _open.ForEach(file => file.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    private static Dictionary<string, GgufValue> Metadata(Plan plan)
    {
        var all = new Dictionary<string, GgufValue?>
        {
            ["general.architecture"] = GgufValue.Of("llama"),
            ["llama.block_count"] = GgufValue.Of((uint)plan.Layers),
            ["llama.context_length"] = GgufValue.Of(512u),
            ["llama.embedding_length"] = GgufValue.Of((uint)plan.Width),
            ["llama.feed_forward_length"] = GgufValue.Of((uint)plan.FeedForward),
            ["llama.attention.head_count"] = GgufValue.Of((uint)plan.QueryHeads),
            ["llama.attention.head_count_kv"] = GgufValue.Of((uint)plan.KeyHeads),
            ["llama.attention.layer_norm_rms_epsilon"] = GgufValue.Of(1e-5f),
        };
        foreach (var (key, value) in plan.Metadata)
        {
            all[key] = value;
        }

        return all.Where(p => p.Value is not null).ToDictionary(p => p.Key, p => p.Value!);
    }

    private static IEnumerable<(string Name, GgmlType Type, long[] Dimensions)> Tensors(Plan plan)
    {
        var all = new Dictionary<string, (GgmlType, long[])> { ["token_embd.weight"] = (plan.Type, [plan.Width, plan.Vocabulary]) };
        int size = plan.Width / plan.QueryHeads;
        for (int layer = 0; layer < plan.Layers; layer++)
        {
            string p = $"blk.{layer}.";
            all[p + "attn_norm.weight"] = (GgmlType.F32, [plan.Width]);
            all[p + "attn_q.weight"] = (plan.Type, [plan.Width, plan.Width]);
            all[p + "attn_k.weight"] = (plan.Type, [plan.Width, plan.KeyHeads * size]);
            all[p + "attn_v.weight"] = (plan.Type, [plan.Width, plan.KeyHeads * size]);
            all[p + "attn_output.weight"] = (plan.Type, [plan.Width, plan.Width]);
            all[p + "ffn_norm.weight"] = (GgmlType.F32, [plan.Width]);
            all[p + "ffn_gate.weight"] = (plan.Type, [plan.Width, plan.FeedForward]);
            all[p + "ffn_up.weight"] = (plan.Type, [plan.Width, plan.FeedForward]);
            all[p + "ffn_down.weight"] = (plan.Type, [plan.FeedForward, plan.Width]);
        }

        all["output_norm.weight"] = (GgmlType.F32, [plan.Width]);
        if (plan.OwnOutput)
        {
            all["output.weight"] = (plan.Type, [plan.Width, plan.Vocabulary]);
        }

        foreach (var (name, other) in plan.Other)
        {
            all[name] = other;
        }

        return all.Where(t => !plan.Missing.Contains(t.Key)).Select(t => (t.Key, t.Value.Item1, t.Value.Item2));
    }
}
