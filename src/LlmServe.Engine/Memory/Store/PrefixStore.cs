using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using LlmServe.Execution;

namespace LlmServe.Engine.Memory.Store;

/// <summary>
/// Prefixes on disk, a file for each 32 tokens, so that what was computed outlives the process. Read and written on threads of the pool; what is damaged, foreign
/// or unreadable is left out, and a folder that takes no file costs a warning. Thread-safe.
/// </summary>
internal sealed class PrefixStore : IAsyncDisposable
{
    /// <summary>Most bytes that wait to be written; more are not kept.</summary>
    private const long MostPending = 64L << 20;

    /// <summary>Most bytes that are read ahead for one sequence.</summary>
    private const long MostAhead = 16L << 20;

    private readonly string _folder;
    private readonly UInt128 _identity;
    private readonly long _mostBytes;
    private readonly Action<string> _warn;
    private readonly object _lock = new(); // an object, not a Lock: whoever must write waits on it
    private readonly Dictionary<UInt128, StoredFile> _files = []; // guarded by _lock, as everything below
    private readonly Channel<Job> _queue = Channel.CreateUnbounded<Job>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;
    private long _bytes;
    private long _uses;
    private long _pending;
    private volatile bool _failed;

    /// <param name="folder">Where everything of this program and layout is.</param>
    /// <param name="identity">Names program and layout.</param>
    /// <param name="layout">Sizes of a node's parts.</param>
    /// <param name="mostBytes">Most bytes on disk.</param>
    /// <param name="warn">Takes one sentence for people.</param>
    private PrefixStore(string folder, UInt128 identity, StoreLayout layout, long mostBytes, Action<string> warn)
    {
        _folder = folder;
        _identity = identity;
        Layout = layout;
        _mostBytes = mostBytes;
        _warn = warn;
        Root = identity;
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Digest before the first token.</summary>
    public UInt128 Root { get; }

    /// <summary>Sizes of a node's parts.</summary>
    public StoreLayout Layout { get; }

    /// <summary>Whether a stored block was compared with one that was computed anew, and was equal: the model is the one that wrote it.</summary>
    public bool IsTrusted { get; set; }

    /// <summary>Bytes on disk.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Opens a folder, which is made if it does not exist. Null, with a warning, when that cannot be.</summary>
    /// <param name="directory">The folder; each program has a folder of its own in it.</param>
    /// <param name="model">What computes.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="mostBytes">Most bytes on disk.</param>
    /// <param name="warn">Takes one sentence for people.</param>
    public static PrefixStore? Open(string directory, ModelInfo model, ISequenceMemory memory, long mostBytes, Action<string> warn)
    {
        var identity = XxHash128.HashToUInt128(Encoding.UTF8.GetBytes($"{model.ProgramId}\n{memory.Layout}"));
        string folder = Path.Combine(directory, identity.ToString("x32", CultureInfo.InvariantCulture));
        if (memory.Layout is null)
        {
            warn("prefixes are not kept on disk: this backend cannot copy them");
            return null;
        }

        if (memory.KvGroups.Count > StoreLayout.MostGroups)
        {
            warn($"prefixes are not kept on disk: the model has {memory.KvGroups.Count} KV groups, and at most {StoreLayout.MostGroups} can be kept");
            return null;
        }

        try
        {
            CreateFolder(folder);
            var store = new PrefixStore(folder, identity, new StoreLayout(memory), mostBytes, warn);
            store.FindFiles();
            return store;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            warn($"prefixes are not kept on disk: {error.Message}");
            return null;
        }
    }

    /// <summary>The digest of a prefix that is longer by 32 tokens.</summary>
    public static UInt128 Digest(UInt128 parent, ReadOnlySpan<int> tokens)
    {
        Span<byte> bytes = stackalloc byte[16 + (KvBlock.Positions * sizeof(int))];
        MemoryMarshal.Write(bytes, parent);
        MemoryMarshal.AsBytes(tokens).CopyTo(bytes[16..]);
        return XxHash128.HashToUInt128(bytes);
    }

    /// <summary>Whether a node is stored, or about to be.</summary>
    public bool Has(UInt128 digest)
    {
        lock (_lock)
        {
            return _files.ContainsKey(digest);
        }
    }

    /// <summary>Looks for the longest stored prefix that a sequence can start behind. Null: there is none.</summary>
    /// <param name="tokens">What the sequence has to read.</param>
    public StoredPrefix? Find(ReadOnlySpan<int> tokens)
    {
        var headers = new List<NodeHeader>();
        var parent = Root;
        for (int end = KvBlock.Positions; end <= tokens.Length; end += KvBlock.Positions)
        {
            var own = tokens[(end - KvBlock.Positions)..end];
            var digest = Digest(parent, own);
            if (!Has(digest) || ReadHeader(digest) is not { } header || header.Parent != parent || !header.Tokens.AsSpan().SequenceEqual(own))
            {
                break;
            }

            headers.Add(header);
            parent = digest;
        }

        int depth = Layout.UsableDepth(headers);
        if (depth == 0)
        {
            return null;
        }

        long largest = Math.Max(1, headers.Max(header => Layout.PayloadBytes(header.Groups, header.HasState)));
        return new StoredPrefix(depth, (int)Math.Clamp(MostAhead / largest, 2, depth + 1), i => Read(headers[i].Digest));
    }

    /// <summary>Takes a node to be written, and its memory with it. It is dropped when it is stored already, or when too much waits.</summary>
    /// <param name="node">The node.</param>
    /// <param name="waits">Whether to wait rather than drop it.</param>
    public void Write(StoredNode node, bool waits)
    {
        lock (_lock)
        {
            while (waits && !_failed && _pending > 0 && _pending + node.Payload.Length > MostPending)
            {
                Monitor.Wait(_lock);
            }

            if (_failed || (_pending > 0 && _pending + node.Payload.Length > MostPending) || _files.ContainsKey(node.Header.Digest))
            {
                node.Dispose();
                return;
            }

            long bytes = NodeFile.HeaderBytes + node.Payload.Length;
            _pending += node.Payload.Length;
            _files.Add(node.Header.Digest, new StoredFile(bytes, ++_uses));
            _bytes += bytes;
        }

        _queue.Writer.TryWrite(new Job(node, default));
    }

    /// <summary>Nothing here is of this model: forgets and deletes it.</summary>
    public void Discard()
    {
        lock (_lock)
        {
            foreach (var digest in _files.Keys)
            {
                _queue.Writer.TryWrite(new Job(null, digest)); // in order with what is written under the same name later
            }

            _files.Clear();
            _bytes = 0;
        }

        _warn("kept prefixes are of another model whose file looks the same; they are deleted");
    }

    /// <summary>Writes what still waits.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // what people wrote is in it
        }
    }

    private void FindFiles()
    {
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles("*.kv").OrderBy(file => file.LastWriteTimeUtc))
        {
            if (UInt128.TryParse(Path.GetFileNameWithoutExtension(file.Name), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var digest)
                && _files.TryAdd(digest, new StoredFile(file.Length, ++_uses)))
            {
                _bytes += file.Length;
            }
        }
    }

    private NodeHeader? ReadHeader(UInt128 digest) => TryRead(digest, path => NodeFile.ReadHeader(path, _identity, digest, Layout));

    private StoredNode? Read(UInt128 digest)
    {
        var node = TryRead(digest, path => NodeFile.Read(path, _identity, digest, Layout));
        if (node is not null)
        {
            Touch(digest);
        }

        return node;
    }

    private T? TryRead<T>(UInt128 digest, Func<string, T?> read)
        where T : class
    {
        string path = PathOf(digest);
        try
        {
            if (read(path) is { } found)
            {
                return found;
            }

            Remove(digest); // damaged: computed and written anew
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not written yet, or gone: as if it had never been there.
        }

        return null;
    }

    private void Touch(UInt128 digest)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(digest, out var file))
            {
                _files[digest] = file with { Used = ++_uses };
            }
        }

        try
        {
            File.SetLastWriteTimeUtc(PathOf(digest), DateTime.UtcNow); // the next start knows what was used last
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Then it does not.
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var (node, removed) in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (node is null)
            {
                Delete(removed);
                continue;
            }

            try
            {
                if (!_failed && Has(node.Header.Digest)) // it may have had to go before it was written
                {
                    NodeFile.Write(PathOf(node.Header.Digest), _identity, node);
                    Trim();
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Fail(error);
            }

            lock (_lock)
            {
                _pending -= node.Payload.Length;
                Monitor.PulseAll(_lock);
            }

            node.Dispose();
        }
    }

    private void Fail(Exception error)
    {
        lock (_lock)
        {
            _failed = true;
            Monitor.PulseAll(_lock);
        }

        _warn($"no more prefixes are kept on disk: {error.Message}");
    }

    /// <summary>Deletes what was not used for longest until all fits.</summary>
    private void Trim()
    {
        while (Oldest() is { } digest)
        {
            Remove(digest);
        }
    }

    private UInt128? Oldest()
    {
        lock (_lock)
        {
            return _bytes <= _mostBytes ? null : _files.MinBy(file => file.Value.Used).Key;
        }
    }

    private void Remove(UInt128 digest)
    {
        lock (_lock)
        {
            if (_files.Remove(digest, out var file))
            {
                _bytes -= file.Bytes;
            }
        }

        Delete(digest);
    }

    private void Delete(UInt128 digest)
    {
        try
        {
            File.Delete(PathOf(digest));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Fail(error);
        }
    }

    private string PathOf(UInt128 digest) => Path.Combine(_folder, digest.ToString("x32", CultureInfo.InvariantCulture) + ".kv");

    /// <summary>What the writer has to do: write a node, or delete one.</summary>
    private readonly record struct Job(StoredNode? Node, UInt128 Removed);

    /// <summary>A file and when it was last used, in uses.</summary>
    private readonly record struct StoredFile(long Bytes, long Used);
}
