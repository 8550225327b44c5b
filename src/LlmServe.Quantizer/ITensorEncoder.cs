using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Quantizer;

/// <summary>Where the bytes of quantized tensors come from.</summary>
public interface ITensorEncoder
{
    /// <summary>Writes a tensor.</summary>
    /// <param name="tensor">The tensor of the source.</param>
    /// <param name="format">What it becomes.</param>
    /// <param name="stream">Gets exactly the bytes that the format takes.</param>
    /// <param name="progress">Gets the number of weights done since it was last told.</param>
    /// <param name="cancellation">Asked between parts.</param>
    void Write(GgufTensor tensor, BlockFormat format, Stream stream, Action<long> progress, CancellationToken cancellation);
}
