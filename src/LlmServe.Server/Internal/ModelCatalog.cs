namespace LlmServe.Server.Internal;

/// <summary>The server's models by id; the first one is the default.</summary>
internal sealed class ModelCatalog
{
    private const int MaxIdLength = 128;

    private readonly Dictionary<string, ServedModel> _byId = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">There is no model, an id is malformed, or two are equal.</exception>
    public ModelCatalog(IReadOnlyList<ServedModel> models)
    {
        if (models.Count == 0)
        {
            throw new ArgumentException("A server needs at least one model.", nameof(models));
        }

        foreach (var model in models)
        {
            if (model.Id.Length is 0 or > MaxIdLength || !model.Id.All(c => char.IsAsciiLetterOrDigit(c) || "._-:/".Contains(c)))
            {
                throw new ArgumentException(
                    $"The model id '{model.Id}' is not allowed; ids have 1 … {MaxIdLength} letters, digits and . _ - : /", nameof(models));
            }

            if (!_byId.TryAdd(model.Id, model))
            {
                throw new ArgumentException($"Two models have the id '{model.Id}'; ids must differ.", nameof(models));
            }
        }

        Models = [.. models];
    }

    /// <summary>All models, the default first.</summary>
    public IReadOnlyList<ServedModel> Models { get; }

    /// <summary>The model that a request names; an empty id names the default.</summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_FOUND: there is no such model.</exception>
    public ServedModel Find(string id)
    {
        if (id.Length == 0)
        {
            return Models[0];
        }

        return _byId.TryGetValue(id, out var model) ? model : throw Failures.UnknownModel(id, Models.Select(known => known.Id));
    }
}
