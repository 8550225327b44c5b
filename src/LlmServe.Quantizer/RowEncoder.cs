using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Quantizer;

/// <summary>
/// Encodes tensors row by row, each for itself, all processors at work. Memory: a few megabytes, whatever the model.
/// </summary>
/// <param name="file">The source.</param>
/// <param name="threads">Most threads.</param>
/// <param name="importance">What the columns of a tensor count, by its name (for tensors of several matrices matrix after matrix); null: all alike.</param>
public sealed class RowEncoder(GgufFile file, int threads, Func<string, float[]?>? importance = null) : ITensorEncoder
{
    /// <summary>Weights of a task: enough blocks to fill an encoder's lanes.</summary>
    private const int TaskWeights = 1 << 15;

    /// <summary>Weights that are encoded before they are written.</summary>
    private const int ChunkWeights = 1 << 22;

    /// <inheritdoc/>
    public void Write(GgufTensor tensor, BlockFormat format, Stream stream, Action<long> progress, CancellationToken cancellation)
    {
        if (tensor.Format == format)
        {
            Copy(tensor, stream, progress, cancellation);
            return;
        }

        int columns = checked((int)tensor.Columns), rowBytes = checked((int)format.BytesOf(columns));
        int taskRows = (int)Math.Clamp(TaskWeights / tensor.Columns, 1, tensor.Rows);
        int tasks = (int)Math.Clamp(ChunkWeights / ((long)taskRows * columns), 1, (tensor.Rows + taskRows - 1) / taskRows);
        float[]? counts = format.IsQuantized ? importance?.Invoke(tensor.Name) : null;
        byte[] chunk = new byte[checked(tasks * taskRows * rowBytes)];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        for (long first = 0; first < tensor.Rows; first += (long)tasks * taskRows)
        {
            long start = first;
            int rows = (int)Math.Min((long)tasks * taskRows, tensor.Rows - first);
            try
            {
                Parallel.For(0, (rows + taskRows - 1) / taskRows, options, task =>
                {
                    int taken = Math.Min(taskRows, rows - (task * taskRows));
                    Encode(tensor, format, start + (task * taskRows), taken, counts, chunk.AsSpan(task * taskRows * rowBytes, taken * rowBytes));
                    progress((long)taken * columns);
                });
            }
            catch (AggregateException several) when (several.InnerException is QuantizerException only)
            {
                throw new QuantizerException(only.Message, only);
            }

            stream.Write(chunk, 0, rows * rowBytes);
        }
    }

    private void Encode(GgufTensor tensor, BlockFormat format, long first, int rows, float[]? counts, Span<byte> target)
    {
        int columns = (int)tensor.Columns;
        float[] weights = new float[rows * columns];
        float[]? importance = counts is null ? null : new float[weights.Length];
        for (int row = 0; row < rows; row++)
        {
            file.DecodeRow(tensor, first + row, weights.AsSpan(row * columns, columns));
            counts?.AsSpan((int)((first + row) / RowsPerMatrix(tensor) * columns % counts.Length), columns).CopyTo(importance.AsSpan(row * columns));
        }

        if (format.IsQuantized && weights.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
        {
            int at = weights.AsSpan().IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
            throw new QuantizerException(
                $"{file.Path}: tensor '{tensor.Name}', row {first + (at / columns)}, column {at % columns} is {weights[at]}; {format.Name} holds finite numbers only. The source is broken, or keep this tensor with --tensor '{tensor.Name}=F32'");
        }

        format.Encode(weights, target, importance);
    }

    /// <summary>Rows of each matrix of a tensor of several, such as the experts of a layer.</summary>
    private static long RowsPerMatrix(GgufTensor tensor) => tensor.Dimensions.Length > 1 ? tensor.Dimensions[1] : 1;

    private unsafe void Copy(GgufTensor tensor, Stream stream, Action<long> progress, CancellationToken cancellation)
    {
        const int Part = 1 << 24;
        byte* data = file.DataOf(tensor);
        for (long done = 0; done < tensor.ByteLength; done += Part)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(Part, tensor.ByteLength - done);
            stream.Write(new ReadOnlySpan<byte>(data + done, count));
            progress((long)((double)count / tensor.ByteLength * tensor.ElementCount));
        }
    }
}
