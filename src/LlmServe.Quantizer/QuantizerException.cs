namespace LlmServe.Quantizer;

/// <summary>A model cannot be quantized as asked; the message says what, where and what to do.</summary>
public sealed class QuantizerException : Exception
{
    /// <param name="message">What, where, found, allowed, what to do.</param>
    /// <param name="inner">The cause.</param>
    public QuantizerException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
