namespace LlmServe.Constraints.Runtime;

/// <summary>
/// The stacks of one sequence, shared where they are equal. A node is a state to return to and the set of nodes that may lie below it; a set is either
/// one node (its number) or several (a negative number). Equal nodes and sets have one number. Memory is given back in the order opposite to that in
/// which it was taken. The order of nodes in a set follows from what they hold, never from when they were made.
/// </summary>
internal sealed partial class StackArena
{
    /// <summary>The node below all others: returning to it ends the text.</summary>
    public const int Bottom = 0;

    /// <summary>Most nodes in a set; of more, those that come first in order are kept, which shortens the language and never leads astray.</summary>
    public const int MostNodesInSet = 512;

    private const ulong Mix = 0x9E3779B97F4A7C15;

    private readonly InternTable _nodeNumbers = new();
    private readonly InternTable _setNumbers = new();
    private int[] _returns = new int[64];       // [nodes]
    private int[] _below = new int[64];         // [nodes] the set below
    private ulong[] _nodeHashes = new ulong[64];
    private int[] _setStarts = new int[16];     // [sets + 1] in _members
    private ulong[] _setHashes = new ulong[16];
    private int[] _members = new int[64];
    private int[] _union = new int[64];
    private int _sets;

    private readonly Comparison<int> _byHash;

    public StackArena()
    {
        _byHash = (left, right) => left == right ? 0 : Precedes(left, right) ? -1 : 1;
        _returns[Bottom] = -1;
        _nodeHashes[Bottom] = Mix;
        Nodes = 1;
    }

    /// <summary>A place in the arena's history.</summary>
    public readonly record struct Mark(int Nodes, int Sets);

    /// <summary>Number of nodes.</summary>
    public int Nodes { get; private set; }

    /// <summary>Now.</summary>
    public Mark Now => new(Nodes, _sets);

    /// <summary>Memory in bytes.</summary>
    public long Bytes => (16L * _returns.Length) + (12L * _setStarts.Length) + (4L * (_members.Length + _union.Length)) + _nodeNumbers.Bytes + _setNumbers.Bytes;

    /// <summary>The state that a node returns to; −1 for <see cref="Bottom"/>.</summary>
    public int ReturnOf(int node) => _returns[node];

    /// <summary>The set below a node.</summary>
    public int Below(int node) => _below[node];

    /// <summary>Number of nodes in a set.</summary>
    public int Size(int set) => set >= 0 ? 1 : _setStarts[-set] - _setStarts[-set - 1];

    /// <summary>A node of a set.</summary>
    public int Member(int set, int index) => set >= 0 ? set : _members[_setStarts[-set - 1] + index];

    /// <summary>The node that returns to a state above a set.</summary>
    public int Push(int returnTo, int set)
    {
        ulong hash = Scramble((ulong)(uint)returnTo * Mix ^ HashOf(set));
        for (int i = _nodeNumbers.First(hash); i >= 0; i = _nodeNumbers.Next())
        {
            if (_returns[i] == returnTo && _below[i] == set)
            {
                return i;
            }
        }

        if (Nodes == _returns.Length)
        {
            Array.Resize(ref _returns, Nodes * 2);
            Array.Resize(ref _below, Nodes * 2);
            Array.Resize(ref _nodeHashes, Nodes * 2);
        }

        (_returns[Nodes], _below[Nodes], _nodeHashes[Nodes]) = (returnTo, set, hash);
        _nodeNumbers.Add(hash, Nodes);
        return Nodes++;
    }

    /// <summary>The set of all nodes of two sets.</summary>
    public int Union(int left, int right)
    {
        if (left == right)
        {
            return left;
        }

        int leftSize = Size(left);
        int rightSize = Size(right);
        if (_union.Length < leftSize + rightSize)
        {
            Array.Resize(ref _union, (leftSize + rightSize) * 2);
        }

        int count = 0;
        int i = 0;
        int j = 0;
        while ((i < leftSize || j < rightSize) && count < MostNodesInSet)
        {
            int a = i < leftSize ? Member(left, i) : -1;
            int b = j < rightSize ? Member(right, j) : -1;
            bool takeLeft = b < 0 || (a >= 0 && (a == b || Precedes(a, b)));
            i += takeLeft ? 1 : 0;
            j += !takeLeft || a == b ? 1 : 0;
            _union[count++] = takeLeft ? a : b;
        }

        return count == leftSize ? left : count == rightSize ? right : Intern(count);
    }

    /// <summary>
    /// The set of all nodes that lie below those nodes of a set that return to a state. A set of one way of ending has many such nodes where a rule is
    /// nested in itself, so they are put together at once.
    /// </summary>
    public int BelowReturning(int set, int returnTo)
    {
        int first = int.MinValue;
        int count = 0;
        int size = Size(set);
        for (int i = 0; i < size; i++)
        {
            int node = Member(set, i);
            if (_returns[node] != returnTo || _below[node] == first)
            {
                continue;
            }

            first = count == 0 ? _below[node] : int.MinValue;
            count = Collect(_below[node], count);
        }

        if (first != int.MinValue)
        {
            return first;
        }

        MemoryExtensions.Sort(_union.AsSpan(0, count), _byHash);
        count = KeepDistinct(count);
        return count == 1 ? _union[0] : Intern(count);
    }

    private int Collect(int set, int count)
    {
        int size = Size(set);
        if (count + size > _union.Length)
        {
            Array.Resize(ref _union, (count + size) * 2);
        }

        for (int i = 0; i < size; i++)
        {
            _union[count++] = Member(set, i);
        }

        return count;
    }

    private int KeepDistinct(int count)
    {
        int kept = 0;
        for (int i = 0; i < count && kept < MostNodesInSet; i++)
        {
            if (kept == 0 || _union[kept - 1] != _union[i])
            {
                _union[kept++] = _union[i];
            }
        }

        return kept;
    }

    /// <summary>Gives back all that was taken since.</summary>
    public void Release(Mark mark)
    {
        while (Nodes > mark.Nodes)
        {
            Nodes--;
            _nodeNumbers.RemoveLast(_nodeHashes[Nodes], Nodes);
        }

        while (_sets > mark.Sets)
        {
            _sets--;
            _setNumbers.RemoveLast(_setHashes[_sets], _sets);
        }
    }

    /// <summary>What a set holds, as a number that does not depend on when it was made.</summary>
    public ulong HashOf(int set) => set >= 0 ? _nodeHashes[set] : _setHashes[-set - 1];

    private bool Precedes(int left, int right) =>
        _nodeHashes[left] != _nodeHashes[right] ? _nodeHashes[left] < _nodeHashes[right] : left < right;

    private int Intern(int count)
    {
        ulong hash = (ulong)count;
        for (int i = 0; i < count; i++)
        {
            hash = Scramble(hash * Mix ^ _nodeHashes[_union[i]]);
        }

        var wanted = _union.AsSpan(0, count);
        for (int i = _setNumbers.First(hash); i >= 0; i = _setNumbers.Next())
        {
            if (_members.AsSpan(_setStarts[i], _setStarts[i + 1] - _setStarts[i]).SequenceEqual(wanted))
            {
                return -i - 1;
            }
        }

        if (_sets + 1 == _setStarts.Length)
        {
            Array.Resize(ref _setStarts, _setStarts.Length * 2);
            Array.Resize(ref _setHashes, _setStarts.Length);
        }

        int start = _setStarts[_sets];
        if (start + count > _members.Length)
        {
            Array.Resize(ref _members, (start + count) * 2);
        }

        wanted.CopyTo(_members.AsSpan(start));
        _setStarts[_sets + 1] = start + count;
        _setHashes[_sets] = hash;
        _setNumbers.Add(hash, _sets);
        _sets++;
        return -_sets;
    }

    private static ulong Scramble(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
