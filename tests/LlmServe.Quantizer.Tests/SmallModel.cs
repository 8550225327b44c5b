using LlmServe.Gguf;

namespace LlmServe.Quantizer.Tests;

/// <summary>Model files with the tensors of a shape and nothing behind them, for choices of formats.</summary>
internal sealed class SmallModel : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");

    /// <param name="architecture">The family.</param>
    /// <param name="layers">Layers, each with the seven matrices of a llama.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyHeads">Key heads.</param>
    /// <param name="experts">Experts of a layer, in tensors of three dimensions; 0: a plain feed-forward block.</param>
    /// <param name="columns">Width of the model.</param>
    /// <param name="hasOutput">Whether embedding and output are two matrices.</param>
    public SmallModel(string architecture = "llama", int layers = 16, int heads = 8, int keyHeads = 4, int experts = 0, int columns = 256, bool hasOutput = true)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", GgufValue.Of(architecture));
        writer.Add($"{architecture}.block_count", GgufValue.Of((uint)layers));
        writer.Add($"{architecture}.attention.head_count", GgufValue.Of((uint)heads));
        writer.Add($"{architecture}.attention.head_count_kv", GgufValue.Of((uint)keyHeads));
        writer.Add($"{architecture}.expert_count", GgufValue.Of((uint)experts));
        Matrix(writer, "token_embd.weight", columns);
        if (hasOutput)
        {
            Matrix(writer, "output.weight", columns);
        }

        // Not in the order of the layers: choices must not depend on it.
        for (int layer = layers - 1; layer >= 0; layer--)
        {
            foreach (string name in (string[])["attn_k", "attn_output", "attn_q", "attn_v"])
            {
                Matrix(writer, $"blk.{layer}.{name}.weight", columns);
            }

            foreach (string name in (string[])["ffn_down", "ffn_gate", "ffn_up"])
            {
                if (experts > 0)
                {
                    writer.AddTensor($"blk.{layer}.{name}_exps.weight", GgmlType.F16, [columns, 1, experts], new byte[2 * columns * experts]);
                }
                else
                {
                    Matrix(writer, $"blk.{layer}.{name}.weight", columns);
                }
            }

            writer.AddTensor($"blk.{layer}.attn_norm.weight", GgmlType.F32, [columns], new byte[4 * columns]);
        }

        writer.Save(_path);
        File = GgufFile.Open(_path);
    }

    public GgufFile File { get; }

    public void Dispose()
    {
        File.Dispose();
        System.IO.File.Delete(_path);
    }

    private static void Matrix(GgufWriter writer, string name, int columns) => writer.AddTensor(name, GgmlType.F16, [columns, 1], new byte[2 * columns]);
}
