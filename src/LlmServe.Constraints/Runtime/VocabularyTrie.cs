using LlmServe.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>
/// The tokens that stand for bytes, as a trie in preorder: a node's descendants follow it. Tokens that end a generation or are control tokens are not
/// in it; they are written only where a rule names them.
/// </summary>
internal sealed class VocabularyTrie
{
    /// <summary>The root; it stands for no byte.</summary>
    public const int Root = 0;

    private readonly List<byte> _bytes = [0];
    private readonly List<ushort> _depths = [0];
    private readonly List<int> _tokens = [-1];
    private readonly int[] _same;

    /// <param name="tokenizer">Whose tokens.</param>
    public VocabularyTrie(ITokenizer tokenizer)
    {
        int[] ids = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => IsText(tokenizer, id))];
        Array.Sort(ids, (a, b) => tokenizer.BytesOf(a).SequenceCompareTo(tokenizer.BytesOf(b)) is not 0 and int order ? order : a.CompareTo(b));
        _same = new int[tokenizer.VocabularySize];
        Array.Fill(_same, -1);
        var path = new List<int> { Root };
        foreach (int id in ids)
        {
            Add(tokenizer.BytesOf(id), id, path);
        }

        Bytes = [.. _bytes];
        Depths = [.. _depths];
        Tokens = [.. _tokens];
        Ends = FindEnds(Depths);
        MaxDepth = Depths.Max();
        InOrder = new int[ids.Length];
        FirstInOrder = new int[Count + 1];
        ListInOrder();
        foreach (int id in ids.Where(id => tokenizer.BytesOf(id).Length == 1))
        {
            Usable[tokenizer.BytesOf(id)[0]] = true;
        }
    }

    /// <summary>Number of nodes.</summary>
    public int Count => Bytes.Length;

    /// <summary>[nodes] The byte that leads to each.</summary>
    public byte[] Bytes { get; }

    /// <summary>[nodes] Number of bytes from the root.</summary>
    public ushort[] Depths { get; }

    /// <summary>[nodes] The token that ends there, −1 for none; of several with the same bytes the one with the smallest id.</summary>
    public int[] Tokens { get; }

    /// <summary>[nodes] The first node that is no descendant.</summary>
    public int[] Ends { get; }

    /// <summary>All tokens in the order of the nodes at which they end; the tokens below a node stand together.</summary>
    public int[] InOrder { get; }

    /// <summary>[nodes + 1] Where the tokens of each node begin in <see cref="InOrder"/>.</summary>
    public int[] FirstInOrder { get; }

    /// <summary>Bytes of the longest token.</summary>
    public int MaxDepth { get; }

    /// <summary>[256] Bytes that are tokens of their own. Every text of such bytes can be written, whatever was written before.</summary>
    public bool[] Usable { get; } = new bool[256];

    /// <summary>The next token with the same bytes as a token, or −1.</summary>
    public int SameBytes(int token) => _same[token];

    /// <summary>Whether a token stands for bytes of text.</summary>
    public static bool IsText(ITokenizer tokenizer, int id) =>
        tokenizer.KindOf(id) is TokenKind.Normal or TokenKind.UserDefined or TokenKind.Byte
        && tokenizer.BytesOf(id).Length is > 0 and <= ushort.MaxValue && !tokenizer.EndOfGenerationIds.Contains(id);

    /// <summary>The child of a node for a byte, or −1.</summary>
    public int Child(int node, byte value)
    {
        for (int child = node + 1; child < Ends[node]; child = Ends[child])
        {
            if (Bytes[child] == value)
            {
                return child;
            }
        }

        return -1;
    }

    /// <summary>Whether a mask has all tokens below a node, those that end at it left out.</summary>
    public bool HasAllBelow(int node, ReadOnlySpan<ulong> mask)
    {
        foreach (int token in InOrder.AsSpan(FirstInOrder[node + 1], FirstInOrder[Ends[node]] - FirstInOrder[node + 1]))
        {
            if ((mask[token >> 6] >> token & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private void ListInOrder()
    {
        int count = 0;
        for (int node = 0; node < Count; node++)
        {
            FirstInOrder[node] = count;
            for (int token = Tokens[node]; token >= 0; token = SameBytes(token))
            {
                InOrder[count++] = token;
            }
        }

        FirstInOrder[Count] = count;
    }

    private void Add(ReadOnlySpan<byte> bytes, int id, List<int> path)
    {
        int shared = 0;
        while (shared < bytes.Length && shared + 1 < path.Count && _bytes[path[shared + 1]] == bytes[shared])
        {
            shared++;
        }

        path.RemoveRange(shared + 1, path.Count - shared - 1);
        for (int i = shared; i < bytes.Length; i++)
        {
            path.Add(_bytes.Count);
            _bytes.Add(bytes[i]);
            _depths.Add((ushort)(i + 1));
            _tokens.Add(-1);
        }

        int node = path[^1];
        if (_tokens[node] < 0)
        {
            _tokens[node] = id;
            return;
        }

        int last = _tokens[node];
        while (_same[last] >= 0)
        {
            last = _same[last];
        }

        _same[last] = id;
    }

    private static int[] FindEnds(ushort[] depths)
    {
        int[] ends = new int[depths.Length];
        var open = new Stack<int>();
        for (int node = 0; node <= depths.Length; node++)
        {
            int depth = node < depths.Length ? depths[node] : -1;
            while (open.TryPeek(out int last) && depths[last] >= depth)
            {
                ends[open.Pop()] = node;
            }

            open.Push(node);
        }

        return ends;
    }
}
