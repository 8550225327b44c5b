namespace LlmServe.Quantizer.Recipes;

/// <summary>What a choice of formats depends on beside recipe and model.</summary>
public sealed record FormatOptions
{
    /// <summary>Rules that go before the recipe; of several that match a tensor the last one counts.</summary>
    public IReadOnlyList<TensorRule> Rules { get; init; } = [];

    /// <summary>Whether all matrices get the recipe's base format.</summary>
    public bool IsPure { get; init; }

    /// <summary>Whether weights are encoded by an importance: some recipes then need less.</summary>
    public bool HasImportance { get; init; }
}
