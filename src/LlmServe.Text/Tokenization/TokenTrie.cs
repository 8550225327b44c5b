namespace LlmServe.Text.Tokenization;

/// <summary>Tokens by their symbols (bytes or UTF-16 units), for finding the longest one at a place in one walk.</summary>
internal sealed class TokenTrie
{
    /// <summary>Symbols of the longest token that is taken; a walk is never longer.</summary>
    public const int LongestToken = 1024;

    // Bounds the memory that a hostile file can ask for; real vocabularies need less than a tenth.
    private const int MostNodes = 1 << 22;

    private readonly PairTable _children = new(64);   // (node, symbol) → node
    private readonly List<int> _tokens = [-1];        // [nodes] the token that ends there, or −1

    /// <summary>Where walks begin.</summary>
    public const int Root = 0;

    /// <summary>Adds a token; of two with the same symbols the first stays.</summary>
    /// <exception cref="Gguf.GgufException">The token is too long, or there are too many.</exception>
    public void Add<T>(ReadOnlySpan<T> symbols, int id) where T : unmanaged, IConvertible
    {
        if (symbols.Length > LongestToken || _tokens.Count > MostNodes - symbols.Length)
        {
            throw TokenizerErrors.At(Vocabulary.TokensKey, $"{symbols.Length} symbols in token {id}, after {_tokens.Count} nodes",
                $"at most {LongestToken} symbols in a token that is searched for, and {MostNodes} nodes in all");
        }

        int node = Root;
        foreach (T symbol in symbols)
        {
            int value = symbol.ToInt32(null);
            if (!_children.TryGet(node, value, out int child, out _))
            {
                child = _tokens.Count;
                _tokens.Add(-1);
                _children.TryAdd(node, value, child, 0);
            }

            node = child;
        }

        if (_tokens[node] < 0)
        {
            _tokens[node] = id;
        }
    }

    /// <summary>Goes one symbol on from a node, if any token does.</summary>
    /// <param name="node">The node; afterwards the one that was reached.</param>
    /// <param name="symbol">The symbol.</param>
    /// <param name="token">The token that ends there, or −1.</param>
    public bool TryStep(ref int node, int symbol, out int token)
    {
        bool found = _children.TryGet(node, symbol, out node, out _);
        token = found ? _tokens[node] : -1;
        return found;
    }
}
