namespace LlmServe.Compiler.Architectures;

/// <summary>A norm of queries and keys, with the gains of <c>attn_q_norm</c> and <c>attn_k_norm</c>.</summary>
/// <param name="Norm">Which.</param>
/// <param name="Place">Of what, and when.</param>
internal sealed record QueryKeyNorm(NormSpec Norm, QueryKeyNormPlace Place);
