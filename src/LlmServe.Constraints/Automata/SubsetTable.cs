using System.Runtime.InteropServices;

namespace LlmServe.Constraints.Automata;

/// <summary>Numbers for sets of states, in the order in which they are first met. A set is sorted and without repetition.</summary>
internal sealed class SubsetTable
{
    private readonly Dictionary<int[], int> _numbers = new(new SetComparer());

    /// <summary>The sets by number.</summary>
    public List<int[]> Sets { get; } = [];

    /// <summary>The number of a set, a new one if it was never met.</summary>
    public int NumberOf(int[] set)
    {
        if (!_numbers.TryGetValue(set, out int number))
        {
            number = Sets.Count;
            _numbers.Add(set, number);
            Sets.Add(set);
        }

        return number;
    }

    private sealed class SetComparer : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] set)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(set.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
