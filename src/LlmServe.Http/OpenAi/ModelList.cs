namespace LlmServe.Http;

/// <summary>The models of a server.</summary>
internal sealed record ModelList(IReadOnlyList<ModelEntry> Data)
{
    /// <summary>What it is.</summary>
    public string Object => "list";
}
