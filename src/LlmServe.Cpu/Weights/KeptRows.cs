using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Memory;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Weights;

/// <summary>Copies rows that kernels read as the file has them into memory that nobody else can change, and in which the system can use huge pages.</summary>
internal static unsafe class KeptRows
{
    private const int ChunkBytes = 4 << 20;

    /// <summary>Copies weights; their matrices point to the copies from then on.</summary>
    /// <param name="file">The model.</param>
    /// <param name="weights">The weights whose rows are kept.</param>
    /// <param name="matrices">[weight ids] where they lie in the file; the others are left alone.</param>
    /// <param name="threads">Threads that may copy.</param>
    /// <param name="progress">Gets the share that is copied.</param>
    public static NativeBuffer Copy(
        GgufFile file, IReadOnlyList<Weight> weights, Matrix* matrices, int threads, IProgress<LoadProgress>? progress)
    {
        var memory = new NativeBuffer(weights.Sum(AlignedBytes));
        byte* next = memory.Data;
        var work = new List<(nint Source, nint Target, long Bytes)>();
        foreach (var weight in weights)
        {
            ref var matrix = ref matrices[weight.Id];
            var format = file.GetTensor(weight.Name).Format;
            if (format.Type != weight.Type)
            {
                // A vector of narrow floats, which programs see as F32.
                format.DecodeRow(matrix.Raw, (float*)next, matrix.Columns);
                matrix.RawRowBytes = weight.Bytes;
                matrix.RawApart = weight.Bytes;
                matrix.Decode = BlockFormat.Get(weight.Type).Decoder;
            }
            else
            {
                long bytes = weight.Bytes / weight.Count;
                for (int index = 0; index < weight.Count; index++)
                {
                    AddChunks(work, (nint)matrix.At(index).Raw, (nint)(next + (index * bytes)), bytes);
                }

                matrix.RawApart = bytes;
            }

            matrix.Raw = next;
            next += AlignedBytes(weight);
        }

        int done = 0;
        Parallel.ForEach(work, new ParallelOptions { MaxDegreeOfParallelism = threads }, chunk =>
        {
            Buffer.MemoryCopy((void*)chunk.Source, (void*)chunk.Target, chunk.Bytes, chunk.Bytes);
            progress?.Report(new LoadProgress("reading weights", (double)Interlocked.Increment(ref done) / work.Count));
        });
        return memory;
    }

    private static void AddChunks(List<(nint Source, nint Target, long Bytes)> work, nint source, nint target, long bytes)
    {
        for (long offset = 0; offset < bytes; offset += ChunkBytes)
        {
            work.Add((source + (nint)offset, target + (nint)offset, Math.Min(ChunkBytes, bytes - offset)));
        }
    }

    private static long AlignedBytes(Weight weight) => (weight.Bytes + 63) / 64 * 64;
}
