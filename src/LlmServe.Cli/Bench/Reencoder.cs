using LlmServe.Cli.App;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cli.Bench;

/// <summary>
/// Writes a model's matrices in another format, to compare formats of the same weights. The encoders are the plain ones of
/// <see cref="BlockFormat.Encode"/>; what a source has lost already stays lost.
/// </summary>
internal static class Reencoder
{
    private const int ChunkWeights = 1 << 24;

    /// <summary>Writes <paramref name="source"/> with all matrices in <paramref name="format"/>; vectors (norms, biases) stay as they are.</summary>
    /// <exception cref="CliException">A matrix does not consist of whole blocks of the format.</exception>
    /// <exception cref="GgufException">The format has no encoder, or a matrix no decoder.</exception>
    public static void Save(GgufFile source, BlockFormat format, string path, CancellationToken cancellation)
    {
        var writer = new GgufWriter();
        foreach (var (key, value) in source.Metadata.Entries)
        {
            // What described the old file only: its parts, its padding and its overall format.
            if (!key.StartsWith("split.", StringComparison.Ordinal) && key is not ("general.alignment" or "general.file_type"))
            {
                writer.Add(key, value);
            }
        }

        foreach (var tensor in source.Tensors)
        {
            var target = IsMatrix(tensor) ? format : tensor.Format;
            if (tensor.Columns % target.BlockSize != 0)
            {
                throw new CliException(
                    $"--formats {format.Name}: tensor {tensor.Name} of {source.Path} has rows of {tensor.Columns} weights, no multiple of the {target.BlockSize} of a block; leave this format out");
            }

            writer.AddTensor(tensor.Name, target.Type, tensor.Dimensions.AsSpan(), stream => Write(source, tensor, target, stream, cancellation));
        }

        writer.Save(path);
    }

    /// <summary>Whether a tensor is re-encoded.</summary>
    public static bool IsMatrix(GgufTensor tensor) => tensor.Dimensions.Length > 1;

    private static void Write(GgufFile source, GgufTensor tensor, BlockFormat target, Stream stream, CancellationToken cancellation)
    {
        if (tensor.Format == target && tensor.ByteLength <= int.MaxValue)
        {
            stream.Write(source.BytesOf(tensor));
            return;
        }

        int columns = checked((int)tensor.Columns);
        int rowBytes = checked((int)target.BytesOf(columns));
        int rows = (int)Math.Clamp(ChunkWeights / tensor.Columns, 1, tensor.Rows);
        byte[] chunk = new byte[checked(rows * rowBytes)];
        for (long first = 0; first < tensor.Rows; first += rows)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(rows, tensor.Rows - first);
            long from = first;
            Parallel.For(0, count, () => new float[columns], (row, _, weights) =>
            {
                source.DecodeRow(tensor, from + row, weights);
                target.Encode(weights, chunk.AsSpan(row * rowBytes, rowBytes));
                return weights;
            }, _ => { });
            stream.Write(chunk, 0, count * rowBytes);
        }
    }
}
