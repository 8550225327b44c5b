namespace LlmServe.Quantizer.Recipes;

/// <summary>What a tensor is to a recipe, by its name.</summary>
internal enum TensorRole
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>The output matrix.</summary>
    Output,

    /// <summary>Token embeddings.</summary>
    Embedding,

    /// <summary>Values of attention, or all three projections in one.</summary>
    Value,

    Key,

    Query,

    /// <summary>The projection behind attention.</summary>
    AttentionOutput,

    Up,

    Gate,

    Down,
}
