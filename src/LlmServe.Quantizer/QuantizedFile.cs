using LlmServe.Gguf;

namespace LlmServe.Quantizer;

/// <summary>Writes quantized models so that there is a whole file or none.</summary>
public static class QuantizedFile
{
    /// <summary>Writes a model: the source's metadata with the recipe's number, and its tensors as planned.</summary>
    /// <param name="source">The source.</param>
    /// <param name="plan">Formats of its tensors.</param>
    /// <param name="encoder">Encodes them.</param>
    /// <param name="path">The file; it appears under this name when it is complete.</param>
    /// <param name="overwrite">Whether one that is there may be replaced.</param>
    /// <param name="progress">Gets the share that is written.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="QuantizerException">The file exists, or cannot be written, or a weight cannot be encoded.</exception>
    public static void Write(
        GgufFile source, QuantizationPlan plan, ITensorEncoder encoder, string path, bool overwrite, IProgress<double>? progress, CancellationToken cancellation)
    {
        RequireNew(path, overwrite);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.part");
        try
        {
            long total = Math.Max(1, plan.Weights), done = 0;
            var writer = Writer(source, plan, encoder, weights => progress?.Report((double)Interlocked.Add(ref done, weights) / total), cancellation);
            writer.Save(temporary);
            cancellation.ThrowIfCancellationRequested();
            File.Move(temporary, path, overwrite);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new QuantizerException($"{path} cannot be written: {error.Message}", error);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Refuses a file that is there, before work is spent on it.</summary>
    /// <exception cref="QuantizerException">It exists and may not be replaced, or its folder does not exist.</exception>
    public static void RequireNew(string path, bool overwrite)
    {
        if (!overwrite && File.Exists(path))
        {
            throw new QuantizerException($"{path} exists; give another name, or --overwrite to replace it");
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            throw new QuantizerException($"{path}: the folder {folder} does not exist");
        }
    }

    private static GgufWriter Writer(GgufFile source, QuantizationPlan plan, ITensorEncoder encoder, Action<long> progress, CancellationToken cancellation)
    {
        var writer = new GgufWriter();
        foreach (var (key, value) in source.Metadata.Entries)
        {
            // What describes the old file alone: its parts, its padding, its formats.
            if (!key.StartsWith("split.", StringComparison.Ordinal) && key is not ("general.alignment" or "general.file_type" or "general.quantization_version"))
            {
                writer.Add(key, value);
            }
        }

        writer.Add("general.quantization_version", GgufValue.Of(2u));
        writer.Add("general.file_type", GgufValue.Of((uint)plan.FileType));
        foreach (var (tensor, format) in plan.Tensors)
        {
            writer.AddTensor(tensor.Name, format.Type, tensor.Dimensions.AsSpan(), stream => encoder.Write(tensor, format, stream, progress, cancellation));
        }

        return writer;
    }
}
