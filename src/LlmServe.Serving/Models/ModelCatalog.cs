namespace LlmServe.Serving;

/// <summary>The server's models by id; the first one is the default.</summary>
public sealed class ModelCatalog
{
    private const int LongestId = 128;

    private readonly Dictionary<string, ServedModel> _byId = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">There is no model, an id is malformed, or two are equal.</exception>
    internal ModelCatalog(IReadOnlyList<ServedModel> models)
    {
        if (models.Count == 0)
        {
            throw new ArgumentException("A server needs at least one model.", nameof(models));
        }

        foreach (var model in models)
        {
            if (model.Id.Length is 0 or > LongestId || !model.Id.All(c => char.IsAsciiLetterOrDigit(c) || "._-:/".Contains(c)))
            {
                throw new ArgumentException(
                    $"The model id '{model.Id}' is not allowed; ids have 1 … {LongestId} letters, digits and . _ - : /", nameof(models));
            }

            if (!_byId.TryAdd(model.Id, model))
            {
                throw new ArgumentException($"Two models have the id '{model.Id}'; ids must differ.", nameof(models));
            }
        }

        All = [.. models];
    }

    /// <summary>All models, the default first.</summary>
    public IReadOnlyList<ServedModel> All { get; }

    /// <summary>Whether there is a model of this id; an empty one names the default.</summary>
    public bool Has(string id) => id.Length == 0 || _byId.ContainsKey(id);

    /// <summary>The model that a request names; an empty id names the default.</summary>
    /// <exception cref="RequestException"><see cref="FailureKind.NotFound"/>: there is no such model.</exception>
    public ServedModel Find(string id)
    {
        if (id.Length == 0)
        {
            return All[0];
        }

        return _byId.TryGetValue(id, out var model) ? model : throw new Failure(
            FailureKind.NotFound, $"there is no model '{Failure.Shorten(id)}'; this server has: {string.Join(", ", All.Select(known => known.Id))}", "model").ToException();
    }
}
