using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Which elements of a cache are written.</summary>
/// <param name="AreValues">Values, or keys.</param>
/// <param name="Size">Elements of a head that the input has.</param>
/// <param name="First">The first of them in the head.</param>
public sealed record StoreDetail(bool AreValues, int Size, int First = 0) : Detail;
