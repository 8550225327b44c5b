namespace LlmServe.Compiler;

/// <summary>A family of models that can be compiled.</summary>
/// <param name="Name">The value of <c>general.architecture</c> in its files.</param>
/// <param name="Models">Which models come in it, and which variants are refused; for people, in Markdown.</param>
/// <param name="IgnoredTensors">Tensors without effect that files may hold, beside those of <see cref="ModelFamilies.IgnoredTensors"/>.</param>
/// <param name="UnreadKeys">What it says of keys, in place of <see cref="ModelFamilies.UnreadKeys"/>.</param>
public sealed record ModelFamily(string Name, string Models, IReadOnlyList<string> IgnoredTensors, IReadOnlyList<UnreadKey> UnreadKeys);
