using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Which elements of a head are rotated. As many as the table of angles has, from <paramref name="First"/> on; the rest passes as it is.</summary>
/// <param name="Pairing">What forms a pair.</param>
/// <param name="HeadSize">Elements of a head.</param>
/// <param name="First">First rotated element.</param>
public sealed record RopeLayout(RopePairing Pairing, int HeadSize, int First = 0) : Detail;
