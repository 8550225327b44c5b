using System.IO.Hashing;
using System.Text;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;

namespace LlmServe.Cpu.Weights;

/// <summary>The weights that are repacked, as they lie in the model's file: what a file of repacked weights must belong to.</summary>
internal sealed unsafe class PackedSource
{
    private const int Sample = 4096;

    private readonly IReadOnlyList<string> _paths;
    private readonly List<(nint Data, long Bytes)> _stretches = [];
    private readonly int _threads;

    /// <param name="paths">The model's files.</param>
    /// <param name="weights">The weights, in the order in which they are laid out.</param>
    /// <param name="matrices">[weight ids] where they lie.</param>
    /// <param name="threads">Threads that may compute digests.</param>
    public PackedSource(IReadOnlyList<string> paths, IReadOnlyList<Weight> weights, Matrix* matrices, int threads)
    {
        _paths = paths;
        _threads = threads;
        var key = new XxHash128();
        key.Append(Encoding.UTF8.GetBytes($"layout {KernelTable.LayoutVersion}\0"));
        foreach (var weight in weights)
        {
            ref var matrix = ref matrices[weight.Id];
            long bytes = matrix.RawRowBytes * matrix.Rows;
            string part = weight.Count == 1 && weight.FirstRow == 0 ? "" : $"{weight.FirstRow} {weight.RowsApart} {weight.Count}\0";
            key.Append(Encoding.UTF8.GetBytes($"{weight.Name}\0{part}{weight.Type} {weight.Rows} {weight.Columns} {matrix.TileBytes}\0"));
            for (int index = 0; index < weight.Count; index++)
            {
                byte* data = matrix.At(index).Raw;
                int sample = (int)Math.Min(Sample, bytes);
                _stretches.Add(((nint)data, bytes));
                key.Append(new ReadOnlySpan<byte>(data, sample));
                key.Append(new ReadOnlySpan<byte>(data + bytes - sample, sample));
            }
        }

        Key = key.GetCurrentHashAsUInt128();
    }

    /// <summary>
    /// Names the file: the layout, and of every weight its name, type, shape and first and last 4 KiB. Two models of one key are told apart by
    /// <see cref="Digest"/>, and take turns in the file.
    /// </summary>
    public UInt128 Key { get; }

    /// <summary>What the file system says of the model's files; 0 where that cannot be relied on.</summary>
    public UInt128 Stamp() => SourceStamp.Of(_paths);

    /// <summary>Digest of all weights; reads them all.</summary>
    public UInt128 Digest() => ChunkDigest.Of(_stretches, _threads);
}
