namespace LlmServe.Gguf.Internal;

/// <summary>Which field of a file is being read. It becomes text only when something is wrong, so that reading a large table allocates no messages.</summary>
/// <param name="What">For example <c>tensor</c>.</param>
/// <param name="Name">Its name in the file, once known.</param>
/// <param name="Number">Its number, from 0, while it has no name; negative if it has none.</param>
/// <param name="Detail">The part of it, for example <c>offset</c>.</param>
internal readonly record struct GgufField(string What, string? Name = null, long Number = -1, string? Detail = null)
{
    public static implicit operator GgufField(string what) => new(what);

    /// <inheritdoc/>
    public override string ToString()
    {
        string name = Name is null ? "" : " " + GgufException.Quote(Name);
        string number = Number < 0 ? "" : $" number {Number}";
        return What + name + number + (Detail is null ? "" : " " + Detail);
    }
}
