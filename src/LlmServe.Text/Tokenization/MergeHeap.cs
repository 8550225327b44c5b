namespace LlmServe.Text.Tokenization;

/// <summary>
/// A binary heap of open merges in the buffers' <see cref="EncodeBuffers.Heap"/>: rank in the high half, index of the left symbol in the low half.
/// </summary>
internal ref struct MergeHeap
{
    private readonly EncodeBuffers _buffers;
    private int _count;

    /// <summary>Takes up every merge that is open in <see cref="EncodeBuffers.Ranks"/> of the first <paramref name="symbols"/> symbols.</summary>
    public MergeHeap(EncodeBuffers buffers, int symbols)
    {
        _buffers = buffers;
        for (int i = 0; i < symbols; i++)
        {
            if (buffers.Ranks[i] != int.MaxValue)
            {
                buffers.Heap[_count++] = Entry(i);
            }
        }

        for (int i = _count / 2 - 1; i >= 0; i--)
        {
            Sink(i, buffers.Heap[i]);
        }
    }

    /// <summary>Takes the merge of lowest rank, the leftmost among equals.</summary>
    public bool TryPop(out int rank, out int symbol)
    {
        if (_count == 0)
        {
            (rank, symbol) = (0, 0);
            return false;
        }

        long top = _buffers.Heap[0];
        (rank, symbol) = ((int)(top >> 32), (int)top);
        if (--_count > 0)
        {
            Sink(0, _buffers.Heap[_count]);
        }

        return true;
    }

    /// <summary>Adds the merge of a symbol with its right neighbour where there is one.</summary>
    public void PushIfOpen(int symbol)
    {
        if (_buffers.Ranks[symbol] == int.MaxValue)
        {
            return;
        }

        EncodeBuffers.Grow(ref _buffers.Heap, _count + 1);
        long[] heap = _buffers.Heap;
        long entry = Entry(symbol);
        int hole = _count++;
        while (hole > 0 && heap[(hole - 1) / 2] > entry)
        {
            heap[hole] = heap[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }

        heap[hole] = entry;
    }

    private readonly long Entry(int symbol) => ((long)_buffers.Ranks[symbol] << 32) | (uint)symbol;

    private readonly void Sink(int hole, long entry)
    {
        long[] heap = _buffers.Heap;
        while (true)
        {
            int child = 2 * hole + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= entry)
            {
                break;
            }

            heap[hole] = heap[child];
            hole = child;
        }

        heap[hole] = entry;
    }
}
