using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>A family's norm.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Epsilon">Keeps it from dividing by zero.</param>
internal sealed record NormSpec(NormKind Kind, float Epsilon)
{
    /// <summary>RMSNorm with the model's epsilon, which has no usual value.</summary>
    public static NormSpec Rms(ModelSource source) => new(NormKind.Rms, ShapeReader.ReadEpsilon(source, "attention.layer_norm_rms_epsilon"));

    /// <summary>LayerNorm with the model's epsilon.</summary>
    public static NormSpec Layer(ModelSource source) => new(NormKind.Layer, ShapeReader.ReadEpsilon(source, "attention.layer_norm_epsilon"));
}
