using System.Runtime.InteropServices;
using LlmServe.Compiler;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Cpu.Weights;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// The weights of a model as kernels see them, all in memory of our own: repacked tiles, and rows as the file has them where kernels read those (norms,
/// float matrices, a table that is not multiplied, everything for the scalar kernels). Once it is built the file is read no more, whatever becomes of it.
/// </summary>
internal sealed unsafe class WeightStore : IDisposable
{
    private const int TilesPerStep = 64;

    private readonly Matrix* _matrices;
    private readonly NativeBuffer _packed;
    private readonly NativeBuffer _rows;

    /// <param name="file">The model; it may be closed afterwards.</param>
    /// <param name="model">Which weights it must have.</param>
    /// <param name="kernels">They say how weights are laid out.</param>
    /// <param name="threads">Threads that repack.</param>
    /// <param name="cache">Where repacked weights are kept; null: nowhere.</param>
    /// <param name="progress">Gets the share that is done.</param>
    public WeightStore(
        GgufFile file, CompiledModel model, KernelTable kernels, int threads, RepackCacheOptions? cache = null, IProgress<LoadProgress>? progress = null)
    {
        var (packed, kept) = Split(model, kernels);
        _matrices = (Matrix*)NativeMemory.AllocZeroed((nuint)model.Weights.Count, (nuint)sizeof(Matrix));
        foreach (var weight in model.Weights)
        {
            var tensor = file.GetTensor(weight.Name);
            ref var matrix = ref _matrices[weight.Id];
            matrix.Raw = file.DataOf(tensor) + (weight.FirstRow * tensor.RowBytes) + tensor.Format.BytesOf(weight.FirstColumn);
            matrix.RawRowBytes = tensor.RowBytes;
            matrix.RawApart = weight.RowsApart * tensor.RowBytes;
            matrix.Rows = weight.Rows;
            matrix.Columns = weight.Columns;
            matrix.Decode = tensor.Format.Decoder;
            matrix.DecodeRow = KernelTable.RawRowDecoder;
        }

        _packed = new NativeBuffer(packed.Sum(w => PackedBytesOf(w, kernels)));
        if (packed.Length > 0)
        {
            Fill(file, packed, kernels, threads, cache, progress);
        }

        _rows = KeptRows.Copy(file, kept, _matrices, threads, packed.Length == 0 ? progress : null);
        foreach (var weight in model.Weights.Except(kept))
        {
            _matrices[weight.Id].Raw = null;
        }

        // Whatever was read of the file for this, all of it perhaps, is not needed again.
        file.ReleasePages();
        file.RequireUnchanged();
    }

    /// <summary>The matrix of a weight.</summary>
    public Matrix* this[int weight] => _matrices + weight;

    /// <summary>The repacked weights, as they lie in memory.</summary>
    public byte* PackedData => _packed.Data;

    /// <summary>Bytes of <see cref="PackedData"/>; 0 when kernels read the file's own layout.</summary>
    public long PackedBytes => _packed.Length;

    public void Dispose()
    {
        NativeMemory.Free(_matrices);
        _packed.Dispose();
        _rows.Dispose();
    }

    /// <summary>Bytes that the weights of a model take.</summary>
    public static long BytesOf(CompiledModel model, KernelTable kernels)
    {
        var (packed, kept) = Split(model, kernels);
        return packed.Sum(w => PackedBytesOf(w, kernels)) + kept.Sum(w => w.Bytes);
    }

    /// <summary>Reads the repacked weights from the cache, or repacks them and keeps them there.</summary>
    private void Fill(
        GgufFile file, IReadOnlyList<Weight> packed, KernelTable kernels, int threads, RepackCacheOptions? cache, IProgress<LoadProgress>? progress)
    {
        byte* next = _packed.Data;
        foreach (var weight in packed)
        {
            ref var matrix = ref _matrices[weight.Id];
            matrix.DecodeRow = kernels.PackedRowDecoderOf(weight.Type);
            matrix.TileBytes = kernels.TileBytes(weight.Type, weight.Columns);
            matrix.PackedApart = PackedBytesOf(weight, kernels) / weight.Count;
            matrix.Packed = next;
            next += PackedBytesOf(weight, kernels);
        }

        if (cache is null)
        {
            Pack(file.Path, packed, kernels, threads, progress);
            return;
        }

        var kept = new RepackCache(cache, new PackedSource(file.PartPaths, packed, _matrices, threads), threads, progress);
        if (kept.TryRead(_packed))
        {
            if (IsLaidOutFor(file.Path, kernels, packed))
            {
                return;
            }

            // Packing sets bits in zeroed memory.
            _packed.Clear();
        }

        Pack(file.Path, packed, kernels, threads, progress);
        kept.Write(_packed);
    }

    private void Pack(string path, IReadOnlyList<Weight> weights, KernelTable kernels, int threads, IProgress<LoadProgress>? progress)
    {
        var work = new List<(Weight Weight, int Index, int Begin, int End)>();
        foreach (var weight in weights)
        {
            int tiles = Tiles(weight);
            for (int index = 0; index < weight.Count; index++)
            {
                for (int begin = 0; begin < tiles; begin += TilesPerStep)
                {
                    work.Add((weight, index, begin, Math.Min(tiles, begin + TilesPerStep)));
                }
            }
        }

        int done = 0;
        try
        {
            Parallel.ForEach(work, new ParallelOptions { MaxDegreeOfParallelism = threads }, item =>
            {
                PackTiles(path, kernels, item.Weight, _matrices[item.Weight.Id].At(item.Index), item.Begin, item.End);
                progress?.Report(new LoadProgress("repacking weights", (double)Interlocked.Increment(ref done) / work.Count));
            });
        }
        catch (AggregateException several) when (several.InnerException is GgufException first)
        {
            throw new GgufException(first.Message, first);
        }
    }

    private static void PackTiles(string path, KernelTable kernels, Weight weight, in Matrix matrix, int begin, int end)
    {
        try
        {
            kernels.Pack(weight.Type, matrix, begin, end);
        }
        catch (InvalidDataException error)
        {
            throw new GgufException($"{path}: tensor '{weight.Name}', {error.Message}; scales and minimums must be finite. The file is damaged: fetch it again", error);
        }
    }

    /// <summary>
    /// Whether the weights lie as these kernels would lay them: one tile of every format and width is repacked and compared. A layout that changed without
    /// <see cref="KernelTable.LayoutVersion"/> would otherwise be read as numbers.
    /// </summary>
    private bool IsLaidOutFor(string path, KernelTable kernels, IReadOnlyList<Weight> weights)
    {
        foreach (var weight in weights.DistinctBy(w => (w.Type, w.Columns)))
        {
            var matrix = _matrices[weight.Id];
            byte* kept = matrix.Packed;
            using var tile = new NativeBuffer(matrix.TileBytes);
            matrix.Packed = tile.Data;
            PackTiles(path, kernels, weight, matrix, 0, 1);
            if (!new ReadOnlySpan<byte>(kept, checked((int)matrix.TileBytes)).SequenceEqual(new ReadOnlySpan<byte>(tile.Data, (int)matrix.TileBytes)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Which weights are repacked, and of which rows are read as they are.</summary>
    private static (Weight[] Packed, Weight[] Kept) Split(CompiledModel model, KernelTable kernels)
    {
        bool IsPacked(Weight weight) => weight.Use.HasFlag(WeightUse.Matrix) && kernels.TileBytes(weight.Type, weight.Columns) > 0;
        var used = model.Weights.Where(w => w.Use != WeightUse.None).ToLookup(IsPacked);
        return ([.. used[true]], [.. used[false]]);
    }

    private static long PackedBytesOf(Weight weight, KernelTable kernels) =>
        ((kernels.TileBytes(weight.Type, weight.Columns) * Tiles(weight)) + 63) / 64 * 64 * weight.Count;

    private static int Tiles(Weight weight) => (weight.Rows + KernelTable.TileRows - 1) / KernelTable.TileRows;
}
