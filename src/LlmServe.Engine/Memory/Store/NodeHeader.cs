namespace LlmServe.Engine.Memory.Store;

/// <summary>What a stored node says of itself: 32 tokens of a prefix, and which parts of what the machine computed of them are kept.</summary>
/// <param name="Digest">Names the whole prefix up to these tokens.</param>
/// <param name="Parent">Digest of the node before.</param>
/// <param name="Tokens">[32]</param>
/// <param name="Groups">A bit for each KV group whose block is there.</param>
/// <param name="HasState">Whether the state behind the last token is there.</param>
internal sealed record NodeHeader(UInt128 Digest, UInt128 Parent, int[] Tokens, uint Groups, bool HasState)
{
    /// <summary>Whether a group's block is there.</summary>
    public bool Has(int group) => (Groups >> group & 1) != 0;
}
