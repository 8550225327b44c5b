using System.Runtime.InteropServices;
using LlmServe.Execution;

namespace LlmServe.Testing.Fakes;

/// <summary>
/// The memory of a fake model: tokens and hashes over everything before them, in each KV group, and in a state where the model has one. Everything that a row
/// may see is read back and compared, so that wrong tables, blocks given back too early, and states that are not the sequence's throw.
/// </summary>
internal sealed class FakeMemory : ISequenceMemory, IStateMemory
{
    private const ulong Seed = 0x243F6A8885A308D3;
    private const int Nobody = -1;

    private readonly RowTable _rows;
    private readonly ulong _seed;
    private readonly int[][] _tokens; // [groups][blocks, 32]
    private readonly ulong[][] _hashes; // [groups][blocks, 32]; 0: never written
    private readonly int[][] _writers; // [groups][blocks]; slot that wrote the block in this tick
    private readonly FakeState[] _states; // [slots]
    private readonly FakeState[] _snapshots; // [snapshots]
    private readonly List<FakeState>[] _steps; // [slots], the state before the last tick and after each of its rows
    private readonly int[] _history; // [context]
    private readonly bool _hasWhole;

    public FakeMemory(RowTable rows, IReadOnlyList<KvGroup> groups, int? snapshots, int context, ulong weights)
    {
        _rows = rows;
        _seed = Seed + weights;
        KvGroups = groups;
        HasStates = snapshots is not null;
        _hasWhole = groups.Any(group => group.Visibility.IsAll);
        _tokens = [.. groups.Select(group => new int[group.Blocks * KvBlock.Positions])];
        _hashes = [.. groups.Select(group => new ulong[group.Blocks * KvBlock.Positions])];
        _writers = [.. groups.Select(group => new int[group.Blocks])];
        _states = new FakeState[rows.Slots];
        _snapshots = new FakeState[snapshots ?? 0];
        _steps = [.. Enumerable.Range(0, rows.Slots).Select(_ => new List<FakeState>(rows.Capacity + 1))];
        _history = new int[context];
    }

    public bool HasStates { get; }

    public IReadOnlyList<KvGroup> KvGroups { get; }

    public IStateMemory? States => HasStates ? this : null;

    public int Snapshots => _snapshots.Length;

    public long StateBytes => 64;

    /// <summary>The tokens that the last row saw, its own included; empty where no group keeps them all.</summary>
    public ReadOnlySpan<int> History(int length) => _hasWhole ? _history.AsSpan(0, length) : [];

    public void Clear(int slot) => _states[slot] = new FakeState(_seed, 0);

    public void Save(int slot, int snapshot) => _snapshots[snapshot] = _states[slot];

    public void Restore(int slot, int snapshot) => _states[slot] = _snapshots[snapshot];

    public void Keep(int slot, int rows) => _states[slot] = _steps[slot][rows];

    public string Layout => "fake";

    public void CopyOut(int group, int block, Span<byte> bytes)
    {
        bytes.Clear();
        MemoryMarshal.AsBytes(_tokens[group].AsSpan(block * KvBlock.Positions, KvBlock.Positions)).CopyTo(bytes);
        MemoryMarshal.AsBytes(_hashes[group].AsSpan(block * KvBlock.Positions, KvBlock.Positions)).CopyTo(bytes[(KvBlock.Positions * sizeof(int))..]);
    }

    public void CopyIn(int group, int block, ReadOnlySpan<byte> bytes)
    {
        MemoryMarshal.Cast<byte, int>(bytes)[..KvBlock.Positions].CopyTo(_tokens[group].AsSpan(block * KvBlock.Positions));
        MemoryMarshal.Cast<byte, ulong>(bytes[(KvBlock.Positions * sizeof(int))..])[..KvBlock.Positions].CopyTo(_hashes[group].AsSpan(block * KvBlock.Positions));
    }

    public void CopyOut(int snapshot, Span<byte> bytes)
    {
        bytes.Clear();
        MemoryMarshal.Write(bytes, _snapshots[snapshot]);
    }

    public void CopyIn(int snapshot, ReadOnlySpan<byte> bytes) => _snapshots[snapshot] = MemoryMarshal.Read<FakeState>(bytes);

    public void BeginTick()
    {
        foreach (int[] writers in _writers)
        {
            Array.Fill(writers, Nobody);
        }

        for (int slot = 0; slot < _rows.Slots; slot++)
        {
            _steps[slot].Clear();
            _steps[slot].Add(_states[slot]);
        }
    }

    /// <summary>Reads back what a row sees, stores its token, and returns the hash over all of the sequence.</summary>
    public ulong Write(int slot, int position, int token)
    {
        ulong before = HashBefore(slot, position);
        ulong hash = Next(before, token);
        for (int group = 0; group < KvGroups.Count; group++)
        {
            ReadBack(group, slot, position, before);
            Store(group, slot, position, token, hash);
        }

        if (HasStates)
        {
            if (_states[slot] != new FakeState(before, position))
            {
                throw Fault($"slot {slot}, position {position}: the state is {_states[slot]}");
            }

            _states[slot] = new FakeState(hash, position + 1);
            _steps[slot].Add(_states[slot]);
        }

        if (position < _history.Length)
        {
            _history[position] = token;
        }

        return hash;
    }

    private ulong HashBefore(int slot, int position)
    {
        for (int group = 0; group < KvGroups.Count; group++)
        {
            if (KvGroups[group].Visibility.IsAll)
            {
                return WholeHash(group, slot, position);
            }
        }

        return HasStates ? _states[slot].Hash : position == 0 ? _seed : _hashes[0][Address(0, slot, position - 1)];
    }

    private ulong WholeHash(int group, int slot, int position)
    {
        ulong hash = _seed;
        for (int p = 0; p < position; p++)
        {
            int at = Address(group, slot, p);
            hash = Next(hash, _tokens[group][at]);
            if (_hashes[group][at] != hash)
            {
                throw Fault($"slot {slot}, position {position}: position {p} (block {at / KvBlock.Positions}) does not hold this sequence's past");
            }

            _history[p] = _tokens[group][at];
        }

        return hash;
    }

    /// <summary>What a row sees must be a chain that ends in the hash before it.</summary>
    private void ReadBack(int group, int slot, int position, ulong before)
    {
        int first = KvGroups[group].Visibility.First(position);
        ulong expected = before;
        for (int p = position - 1; p >= first; p--)
        {
            int at = Address(group, slot, p);
            ulong own = expected;
            expected = p > first ? _hashes[group][Address(group, slot, p - 1)] : 0;
            bool follows = p == first || Next(expected, _tokens[group][at]) == _hashes[group][at];
            if (_hashes[group][at] != own || !follows)
            {
                throw Fault($"slot {slot}, position {position}: position {p} (block {at / KvBlock.Positions} of group {group}) does not hold this sequence's past");
            }
        }
    }

    private void Store(int group, int slot, int position, int token, ulong hash)
    {
        int at = Address(group, slot, position);
        int block = at / KvBlock.Positions;
        if (_writers[group][block] != Nobody && _writers[group][block] != slot)
        {
            throw Fault($"block {block} is written by slots {_writers[group][block]} and {slot} in one tick");
        }

        _writers[group][block] = slot;
        _tokens[group][at] = token;
        _hashes[group][at] = hash;
    }

    private int Address(int group, int slot, int position)
    {
        int block = _rows.BlockTable(slot, group)[position / KvBlock.Positions];
        if ((uint)block >= (uint)KvGroups[group].Blocks)
        {
            throw Fault($"block {block} of position {position} does not exist");
        }

        return (block * KvBlock.Positions) + (position % KvBlock.Positions);
    }

    private static ulong Next(ulong hash, int token)
    {
        ulong x = hash ^ (((ulong)token + 1) * 0xD6E8FEB86659FD93);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return (x ^ (x >> 31)) | 1;
    }

    private static InvalidOperationException Fault(string message) => new("fake executor: " + message);

    private readonly record struct FakeState(ulong Hash, int Positions);
}
