namespace LlmServe.Text.Tokenization;

/// <summary>Working memory of one Encode call. Each thread keeps one set, so that encoding short texts allocates nothing.</summary>
internal sealed class EncodeBuffers
{
    // A set that one huge text has blown up is not kept.
    private const int KeptElements = 1 << 16;

    [ThreadStatic]
    private static EncodeBuffers? _kept;

    /// <summary>UTF-8 of the piece at hand.</summary>
    public byte[] Utf8 = new byte[256];

    /// <summary>Where the pieces of the text at hand end.</summary>
    public readonly List<int> Ends = [];

    /// <summary>A list to work with while the text is cut.</summary>
    public readonly List<int> Scratch = [];

    /// <summary>Code points of the text at hand.</summary>
    public readonly List<int> Points = [];

    /// <summary>The same, decomposed.</summary>
    public readonly List<int> Decomposed = [];

    /// <summary>Per symbol: its token, or −1. One more element than symbols is not needed.</summary>
    public int[] Ids = new int[256];

    /// <summary>Per symbol: where its bytes begin in <see cref="Utf8"/>; one element more than symbols.</summary>
    public int[] Starts = new int[256];

    /// <summary>Per symbol: rank of its merge with the next symbol.</summary>
    public int[] Ranks = new int[256];

    /// <summary>Per symbol: token of its merge with the next symbol.</summary>
    public int[] Merged = new int[256];

    /// <summary>Per symbol: index of the next symbol (long pieces only).</summary>
    public int[] Next = [];

    /// <summary>Per symbol: index of the previous symbol (long pieces only).</summary>
    public int[] Previous = [];

    /// <summary>Open merges, smallest first (long pieces only).</summary>
    public long[] Heap = [];

    /// <summary>Ends the call where nobody waits for it any more; looked at for each piece of the text.</summary>
    public CancellationToken Cancellation { get; private set; }

    /// <summary>The calling thread's set, or a new one.</summary>
    public static EncodeBuffers Take(CancellationToken cancellation)
    {
        var taken = _kept ?? new EncodeBuffers();
        _kept = null;
        taken.Cancellation = cancellation;
        return taken;
    }

    /// <summary>Gives the set back to the calling thread.</summary>
    public void Return()
    {
        Cancellation = default;
        if (Utf8.Length <= KeptElements && Ids.Length <= KeptElements && Heap.Length <= KeptElements && Decomposed.Capacity <= KeptElements
            && Ends.Capacity <= KeptElements && Scratch.Capacity <= KeptElements)
        {
            _kept = this;
        }
    }

    /// <summary>Makes room for the UTF-8 of so many UTF-16 code units, with spaces as U+2581.</summary>
    public void ReserveText(int chars) => Grow(ref Utf8, checked(chars * 3));

    /// <summary>Makes room for so many symbols.</summary>
    public void ReserveSymbols(int symbols)
    {
        Grow(ref Ids, symbols);
        Grow(ref Starts, symbols + 1);
        Grow(ref Ranks, symbols);
        Grow(ref Merged, symbols);
    }

    /// <summary>Makes room for merging so many symbols through a heap.</summary>
    public void ReserveHeap(int symbols)
    {
        Grow(ref Next, symbols);
        Grow(ref Previous, symbols);
        Grow(ref Heap, symbols);
    }

    /// <summary>Enlarges an array, keeping what it holds.</summary>
    public static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            Array.Resize(ref array, Math.Max(length, (int)Math.Min(Array.MaxLength, array.Length * 2L)));
        }
    }
}
