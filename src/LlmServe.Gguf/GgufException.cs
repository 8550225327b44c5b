namespace LlmServe.Gguf;

/// <summary>A model file that cannot be used; the message says which file, which field, what was found and what is allowed.</summary>
public sealed class GgufException : Exception
{
    public GgufException(string message)
        : base(message)
    {
    }

    public GgufException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
