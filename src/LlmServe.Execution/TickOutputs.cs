namespace LlmServe.Execution;

/// <summary>Names of what a program can give.</summary>
public static class TickOutputs
{
    /// <summary>A number for each token of the vocabulary, for selected rows.</summary>
    public const string Logits = "logits";

    /// <summary>What the output matrix reads: the last layer's result after the final norm, for selected rows. Embeddings are made of it.</summary>
    public const string Hidden = "hidden";

    /// <summary>The residual stream behind the program's last layer, for every row: what the program with the next layer takes.</summary>
    public const string Residual = "residual";
}
