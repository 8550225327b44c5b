using System.Runtime.InteropServices;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Execution;

/// <summary>The weights of a model as kernels see them: raw rows in the mapped file, and repacked tiles in memory of our own.</summary>
internal sealed unsafe class WeightStore : IDisposable
{
    private const int TilesPerStep = 64;

    private readonly Matrix* _matrices;
    private readonly NativeBuffer _packed;

    public WeightStore(GgufFile file, ModelGraph graph, KernelTable kernels, int threads, IProgress<LoadProgress>? progress)
    {
        var multiplied = MultipliedWeights(graph);
        _matrices = (Matrix*)NativeMemory.AllocZeroed((nuint)graph.Weights.Count, (nuint)sizeof(Matrix));
        long total = multiplied.Sum(w => PackedBytesOf(w, kernels));
        _packed = new NativeBuffer(total);
        byte* next = _packed.Data;
        foreach (var weight in graph.Weights)
        {
            var tensor = file.GetTensor(weight.Name);
            ref var matrix = ref _matrices[weight.Id];
            matrix.Raw = file.DataOf(tensor);
            matrix.RawRowBytes = tensor.RowBytes;
            matrix.Rows = weight.Rows;
            matrix.Columns = weight.Columns;
            matrix.Decode = tensor.Format.Decoder;
            if (multiplied.Contains(weight) && kernels.TileBytes(weight.Type, weight.Columns) is > 0 and var tileBytes)
            {
                matrix.TileBytes = tileBytes;
                matrix.Packed = next;
                next += PackedBytesOf(weight, kernels);
            }
        }

        Pack(file.Path, multiplied, kernels, threads, progress);
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
    }

    private void Pack(string path, HashSet<Weight> weights, KernelTable kernels, int threads, IProgress<LoadProgress>? progress)
    {
        var work = new List<(Weight Weight, int Begin, int End)>();
        foreach (var weight in weights.Where(w => _matrices[w.Id].Packed != null))
        {
            int tiles = Tiles(weight);
            for (int begin = 0; begin < tiles; begin += TilesPerStep)
            {
                work.Add((weight, begin, Math.Min(tiles, begin + TilesPerStep)));
            }
        }

        int done = 0;
        try
        {
            Parallel.ForEach(work, new ParallelOptions { MaxDegreeOfParallelism = threads }, item =>
            {
                PackTiles(path, kernels, item.Weight, item.Begin, item.End);
                progress?.Report(new LoadProgress("repacking weights", (double)Interlocked.Increment(ref done) / work.Count));
            });
        }
        catch (AggregateException several) when (several.InnerException is GgufException first)
        {
            throw new GgufException(first.Message, first);
        }
    }

    private void PackTiles(string path, KernelTable kernels, Weight weight, int begin, int end)
    {
        try
        {
            kernels.Pack(weight.Type, _matrices[weight.Id], begin, end);
        }
        catch (InvalidDataException error)
        {
            throw new GgufException($"{path}: tensor '{weight.Name}', {error.Message}; scales and minimums must be finite. The file is damaged: fetch it again", error);
        }
    }

    private static HashSet<Weight> MultipliedWeights(ModelGraph graph) =>
        [.. graph.Operations.Where(o => o is not (Embed or RmsNorm)).SelectMany(o => o.Weights)];

    private static long PackedBytesOf(Weight weight, KernelTable kernels) =>
        (kernels.TileBytes(weight.Type, weight.Columns) * Tiles(weight) + 63) / 64 * 64;

    private static int Tiles(Weight weight) => (weight.Rows + KernelTable.TileRows - 1) / KernelTable.TileRows;
}
