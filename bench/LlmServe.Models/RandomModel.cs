using System.Runtime.InteropServices;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Models;

/// <summary>What to write.</summary>
/// <param name="Name">What the model is called in its metadata.</param>
/// <param name="Dimensions">Sizes.</param>
/// <param name="Format">Format of the matrices; norms are always F32.</param>
/// <param name="EmbeddingFormat">Format of the embedding, and of the output matrix.</param>
/// <param name="Seed">The same seed gives the same file.</param>
internal sealed record RandomModelPlan(string Name, ModelDimensions Dimensions, BlockFormat Format, BlockFormat EmbeddingFormat, int Seed)
{
    /// <summary>A chat template; null: none.</summary>
    public string? ChatTemplate { get; init; }
}

/// <summary>Writes a model of the llama family with random weights: for measuring, it says nothing sensible.</summary>
internal static class RandomModel
{
    /// <summary>Why the plan makes no model, or null where it does.</summary>
    public static string? Problem(RandomModelPlan plan)
    {
        if (plan.Dimensions.Problem() is { } problem)
        {
            return problem;
        }

        var shape = plan.Dimensions;
        return Misfit(plan.EmbeddingFormat, shape.Hidden) ?? Misfit(plan.Format, shape.Hidden)
            ?? Misfit(plan.Format, shape.Heads * shape.HeadSize) ?? Misfit(plan.Format, shape.FeedForward);
    }

    /// <summary>Writes the file; what stood there before is replaced when the new one is complete.</summary>
    /// <exception cref="ArgumentException">The plan makes no model (see <see cref="Problem"/>).</exception>
    public static void Save(RandomModelPlan plan, string path)
    {
        if (Problem(plan) is { } problem)
        {
            throw new ArgumentException(problem, nameof(plan));
        }

        var writer = new GgufWriter();
        AddMetadata(writer, plan);
        AddTensors(writer, plan);
        string partial = $"{path}.{Environment.ProcessId}.part";
        try
        {
            writer.Save(partial);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static string? Misfit(BlockFormat format, int columns) =>
        !format.CanEncode ? $"{format.Name} cannot be written"
        : columns % format.BlockSize != 0 ? $"{format.Name} has blocks of {format.BlockSize} weights, and a matrix would have rows of {columns}; choose another format or other sizes"
        : null;

    private static void AddMetadata(GgufWriter writer, RandomModelPlan plan)
    {
        var shape = plan.Dimensions;
        writer
            .Add("general.architecture", GgufValue.Of("llama"))
            .Add("general.name", GgufValue.Of(plan.Name))
            .Add("general.description", GgufValue.Of("random weights, for measuring speed"))
            .Add("general.quantization_version", GgufValue.Of(2u))
            .Add("llama.block_count", GgufValue.Of((uint)shape.Layers))
            .Add("llama.context_length", GgufValue.Of((uint)shape.Context))
            .Add("llama.embedding_length", GgufValue.Of((uint)shape.Hidden))
            .Add("llama.feed_forward_length", GgufValue.Of((uint)shape.FeedForward))
            .Add("llama.attention.head_count", GgufValue.Of((uint)shape.Heads))
            .Add("llama.attention.head_count_kv", GgufValue.Of((uint)shape.KeyHeads))
            .Add("llama.attention.key_length", GgufValue.Of((uint)shape.HeadSize))
            .Add("llama.attention.value_length", GgufValue.Of((uint)shape.HeadSize))
            .Add("llama.attention.layer_norm_rms_epsilon", GgufValue.Of(1e-5f))
            .Add("llama.rope.dimension_count", GgufValue.Of((uint)shape.HeadSize))
            .Add("llama.rope.freq_base", GgufValue.Of(shape.RopeBase))
            .Add("llama.vocab_size", GgufValue.Of((uint)shape.Vocabulary));
        ByteVocabulary.AddTo(writer, shape.Vocabulary);
        if (plan.ChatTemplate is { } template)
        {
            writer.Add("tokenizer.chat_template", GgufValue.Of(template));
        }
    }

    private static void AddTensors(GgufWriter writer, RandomModelPlan plan)
    {
        var shape = plan.Dimensions;
        int queries = shape.Heads * shape.HeadSize, keys = shape.KeyHeads * shape.HeadSize;
        var matrices = new RandomBlocks(plan.Format, plan.Seed);
        var embedding = plan.EmbeddingFormat == plan.Format ? matrices : new RandomBlocks(plan.EmbeddingFormat, plan.Seed + 1);
        void Matrix(string name, int columns, int rows) =>
            writer.AddTensor(name, plan.Format.Type, [columns, rows], stream => matrices.Write(stream, plan.Format.BytesOf((long)columns * rows)));
        void Table(string name) =>
            writer.AddTensor(name, plan.EmbeddingFormat.Type, [shape.Hidden, shape.Vocabulary],
                stream => embedding.Write(stream, plan.EmbeddingFormat.BytesOf((long)shape.Hidden * shape.Vocabulary)));
        void Norm(string name) => writer.AddTensor(name, GgmlType.F32, [shape.Hidden], Ones(shape.Hidden));

        Table("token_embd.weight");
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string block = $"blk.{layer}";
            Norm($"{block}.attn_norm.weight");
            Matrix($"{block}.attn_q.weight", shape.Hidden, queries);
            Matrix($"{block}.attn_k.weight", shape.Hidden, keys);
            Matrix($"{block}.attn_v.weight", shape.Hidden, keys);
            Matrix($"{block}.attn_output.weight", queries, shape.Hidden);
            Norm($"{block}.ffn_norm.weight");
            Matrix($"{block}.ffn_gate.weight", shape.Hidden, shape.FeedForward);
            Matrix($"{block}.ffn_up.weight", shape.Hidden, shape.FeedForward);
            Matrix($"{block}.ffn_down.weight", shape.FeedForward, shape.Hidden);
        }

        Norm("output_norm.weight");
        if (!shape.Tied)
        {
            Table("output.weight");
        }
    }

    private static byte[] Ones(int count)
    {
        float[] ones = new float[count];
        Array.Fill(ones, 1);
        return MemoryMarshal.AsBytes<float>(ones).ToArray();
    }
}
