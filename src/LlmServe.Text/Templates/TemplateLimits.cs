namespace LlmServe.Text.Templates;

/// <summary>
/// What one template may cost. A template comes from a model file and its values from a request, so neither is trusted: every limit that is
/// reached ends the render with a <see cref="TemplateLimitException"/> that names it. The defaults leave a thousandfold of what known chat
/// templates use.
/// </summary>
public sealed record TemplateLimits
{
    /// <summary>The defaults.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>Length of a template's source in UTF-16 units.</summary>
    public int SourceLength { get; init; } = 1 << 20;

    /// <summary>Depth to which statements, brackets and operators of the source may nest.</summary>
    public int Nesting { get; init; } = 100;

    /// <summary>Calls of macros and recursive loops that may be open at once.</summary>
    public int CallDepth { get; init; } = 100;

    /// <summary>Depth of lists and dicts inside each other, in the input's JSON and in values that the template makes.</summary>
    public int ValueDepth { get; init; } = 100;

    /// <summary>Evaluation steps: loop rounds, calls, operators, items and (in blocks of 64) characters that are handled.</summary>
    public long Steps { get; init; } = 5_000_000;

    /// <summary>UTF-16 units of the rendered text.</summary>
    public int OutputLength { get; init; } = 16 << 20;

    /// <summary>UTF-16 units of all strings that one render builds, intermediate ones included.</summary>
    public long TextLength { get; init; } = 64L << 20;

    /// <summary>Wall time of one render.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(5);
}
