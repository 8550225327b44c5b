namespace LlmServe.Engine.Speculation;

/// <summary>Where drafts come from.</summary>
internal enum DraftSource
{
    /// <summary>The sequence's own text.</summary>
    Lookup,

    /// <summary>A smaller model.</summary>
    Model,
}
