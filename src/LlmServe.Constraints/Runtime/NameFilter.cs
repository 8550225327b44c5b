namespace LlmServe.Constraints.Runtime;

/// <summary>Takes tokens out of a mask with which an object would get a name twice, or could not but get one. Not thread-safe.</summary>
/// <param name="vocabulary">The vocabulary.</param>
/// <param name="reader">The sequence's reader.</param>
internal sealed class NameFilter(ConstraintVocabulary vocabulary, TokenReader reader)
{
    private readonly VocabularyTrie _trie = vocabulary.Trie;

    private StackMachine Machine => reader.Bytes.Machine;

    /// <summary>Takes the tokens out.</summary>
    /// <param name="place">The place; its configuration is the machine's last.</param>
    /// <param name="mask">[(vocabulary + 63) / 64]</param>
    public void Remove(in CursorPlace place, Span<ulong> mask)
    {
        int lastName = reader.Bytes.Names.LastName(place.Names);
        bool isInName = place.Names.Phase is NamePhase.Name or NamePhase.NameEscape;
        if (isInName)
        {
            for (int name = lastName; name >= 0; name = reader.Bytes.Names.Earlier(name))
            {
                RemoveRest(place, name, mask);
            }
        }

        // All other tokens that can end a name hold a quote that opens it, or end another one first.
        int quotes = lastName < 0 ? 4 : isInName ? 3 : 2;
        RemoveWrong(place, vocabulary.Quotes.WithAtLeast(Machine.Automaton.HasBoundedNames && lastName >= 0 ? 0 : quotes), mask);
    }

    /// <summary>In a name that begins as another one does, takes out what would make it that one.</summary>
    private void RemoveRest(in CursorPlace place, int name, Span<ulong> mask)
    {
        var names = reader.Bytes.Names;
        int length = names.Current(place.Names).Length;
        if (!names.BytesOf(name).StartsWith(names.Current(place.Names)))
        {
            return;
        }

        bool isBounded = Machine.Automaton.HasBoundedNames;
        var mark = Machine.Arena.Now;
        int node = VocabularyTrie.Root;
        var at = place;
        for (int i = length; node >= 0; i++)
        {
            bool ends = i == names.BytesOf(name).Length;
            byte value = ends ? (byte)'"' : names.BytesOf(name)[i];
            node = _trie.Child(node, value);
            if (node >= 0 && (ends || (isBounded && (!reader.Bytes.TryRead(ref at, value) || reader.Bytes.IsNameExhausted(at)))))
            {
                RemoveBelow(node, mask);
                break;
            }
        }

        Machine.Truncate(place.Here.End);
        Machine.Arena.Release(mark);
    }

    private void RemoveBelow(int node, Span<ulong> mask)
    {
        int first = _trie.FirstInOrder[node];
        foreach (int token in _trie.InOrder.AsSpan(first, _trie.FirstInOrder[_trie.Ends[node]] - first))
        {
            mask[token >> 6] &= ~(1UL << token);
        }
    }

    private void RemoveWrong(in CursorPlace place, ReadOnlySpan<int> tokens, Span<ulong> mask)
    {
        var mark = Machine.Arena.Now;
        foreach (int token in tokens)
        {
            if ((mask[token >> 6] >> token & 1) == 0)
            {
                continue;
            }

            var next = place;
            if (!reader.TryRead(ref next, token))
            {
                mask[token >> 6] &= ~(1UL << token);
            }

            Machine.Truncate(place.Here.End);
            Machine.Arena.Release(mark);
        }
    }
}
