namespace LlmServe.Engine;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>Still running.</summary>
    None,

    /// <summary>An end-of-generation token or a stop text.</summary>
    Stop,

    /// <summary>The token limit or the context's end.</summary>
    Length,

    /// <summary>The caller cancelled or its deadline passed.</summary>
    Cancelled,

    /// <summary>The engine stopped.</summary>
    Aborted,

    /// <summary>The queue was full and the place went to a client that held less; <see cref="GenerationUpdate.Message"/> says who held how many.</summary>
    Displaced,
}
