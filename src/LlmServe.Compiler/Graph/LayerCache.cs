using LlmServe.Execution;

namespace LlmServe.Compiler.Graph;

/// <summary>What a layer keeps of every position: the keys and values of its key heads. A backend lays them out in blocks.</summary>
/// <param name="Id">Index in <see cref="CompiledModel.Caches"/>.</param>
/// <param name="Name">For people: <c>cache.3</c>.</param>
/// <param name="KeyHeads">Heads.</param>
/// <param name="KeySize">Elements of a key.</param>
/// <param name="ValueSize">Elements of a value.</param>
/// <param name="ValuesInKeys">Whether a value is the first elements of its key, and nothing else is kept.</param>
/// <param name="Visibility">Which positions rows see. Caches of one visibility form a group.</param>
public sealed record LayerCache(int Id, string Name, int KeyHeads, int KeySize, int ValueSize, bool ValuesInKeys, KvVisibility Visibility)
{
    /// <summary>Numbers of all keys of a position; those of values, if they are kept, stand behind them.</summary>
    public int KeyColumns => KeyHeads * KeySize;

    /// <summary>Numbers of a position.</summary>
    public int Columns => ValuesInKeys ? KeyColumns : KeyColumns + (KeyHeads * ValueSize);

    /// <summary>Bytes of a position.</summary>
    public int RowBytes(KvElement element) =>
        KeyHeads * (KvBlock.RowBytes(element, KeySize) + (ValuesInKeys ? 0 : KvBlock.RowBytes(element, ValueSize)));
}
