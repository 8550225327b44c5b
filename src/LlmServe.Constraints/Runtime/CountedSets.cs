using System.Collections.Concurrent;
using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Runtime;

/// <summary>The tokens that counts of characters allow, by what they depend on; shared by all rules of a vocabulary. Thread-safe.</summary>
internal sealed class CountedSets
{
    private const long MostBytes = 64 << 20;

    private readonly ConcurrentDictionary<CountedKey, TokenSet> _sets = new();
    private long _bytes;

    /// <summary>Memory in bytes.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>A set that is kept, or null.</summary>
    public TokenSet? Find(in CountedKey key) => _sets.GetValueOrDefault(key);

    /// <summary>Keeps a set while there is room.</summary>
    public TokenSet Keep(in CountedKey key, TokenSet set)
    {
        if (Bytes + set.Bytes <= MostBytes && _sets.TryAdd(key, set))
        {
            Interlocked.Add(ref _bytes, set.Bytes);
        }

        return set;
    }
}
