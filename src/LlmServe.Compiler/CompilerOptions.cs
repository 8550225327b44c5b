using LlmServe.Execution;

namespace LlmServe.Compiler;

/// <summary>Modes and limits that a program is compiled for.</summary>
/// <param name="Activations">How rows enter quantized matrices.</param>
/// <param name="Kv">Element type of the KV cache.</param>
/// <param name="MaxRows">Most rows of a tick.</param>
/// <param name="ContextLength">Most positions of a sequence; null: what the model says.</param>
public sealed record CompilerOptions(ActivationMode Activations, KvElement Kv, int MaxRows = 256, int? ContextLength = null)
{
    /// <summary>What the program gives: names of <see cref="TickOutputs"/>. What none of them needs is not computed.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [TickOutputs.Logits];

    /// <summary>
    /// The layers that the program runs; null: all. One that does not begin with the first takes <see cref="TickOutputs.Residual"/> in place of tokens; one that
    /// does not end with the last gives it.
    /// </summary>
    public LayerRange? Layers { get; init; }

    /// <summary>Rewrites of the graph to leave out, by name: results are the same without them.</summary>
    public IReadOnlyCollection<string> WithoutPasses { get; init; } = [];
}
