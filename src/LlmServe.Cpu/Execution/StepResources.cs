using System.Runtime.InteropServices;

namespace LlmServe.Cpu.Execution;

/// <summary>What steps point to beside weights and rows: caches, and constants of kernels, which it keeps.</summary>
/// <param name="caches">The caches, by the number of the buffer that stands for each.</param>
internal sealed unsafe class StepResources(IReadOnlyDictionary<int, CacheLayout> caches) : IDisposable
{
    private readonly List<nint> _kept = [];

    /// <summary>Where the cache lies that a buffer stands for.</summary>
    public CacheLayout CacheOf(int buffer) => caches[buffer];

    /// <summary>A value at an address that holds until this is disposed of.</summary>
    public T* Keep<T>(in T value) where T : unmanaged
    {
        T* kept = (T*)Take(sizeof(T));
        *kept = value;
        return kept;
    }

    /// <summary>Values at an address that holds until this is disposed of.</summary>
    public T* Keep<T>(IReadOnlyList<T> values) where T : unmanaged
    {
        T* kept = (T*)Take(Math.Max(1, values.Count) * sizeof(T));
        for (int i = 0; i < values.Count; i++)
        {
            kept[i] = values[i];
        }

        return kept;
    }

    public void Dispose()
    {
        foreach (nint kept in _kept)
        {
            NativeMemory.AlignedFree((void*)kept);
        }

        _kept.Clear();
    }

    private void* Take(int bytes)
    {
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, 64);
        _kept.Add((nint)memory);
        return memory;
    }
}
