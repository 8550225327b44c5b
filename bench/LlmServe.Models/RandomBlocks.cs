using LlmServe.Gguf.Formats;

namespace LlmServe.Models;

/// <summary>
/// An endless supply of valid random weights of one format. Normally distributed weights are encoded once into a pool of blocks, and rows are drawn
/// from it: the speed of kernels depends on sizes and not on values, and a model of gigabytes is written as fast as the disk takes it.
/// </summary>
internal sealed class RandomBlocks
{
    /// <summary>Standard deviation of the weights, about what trained models of these sizes have.</summary>
    public const double Deviation = 0.02;

    private const int PoolWeights = 1 << 20;
    private const int ChunkBytes = 1 << 20;

    private readonly Random _random;
    private readonly byte[] _pool; // [blocks, block bytes]
    private readonly int _unit; // bytes that are drawn together

    /// <param name="format">A format with an encoder.</param>
    /// <param name="seed">The same seed gives the same bytes.</param>
    public RandomBlocks(BlockFormat format, int seed)
    {
        _random = new Random(seed);
        float[] weights = new float[PoolWeights];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (float)(Deviation * Normal());
        }

        _pool = new byte[format.BytesOf(PoolWeights)];
        format.Encode(weights, _pool);

        // Plain numbers are drawn 32 at a time.
        _unit = format.IsQuantized ? format.BlockBytes : 32 * format.BlockBytes;
    }

    /// <summary>Writes <paramref name="bytes"/> bytes of random blocks.</summary>
    public void Write(Stream stream, long bytes)
    {
        byte[] chunk = new byte[ChunkBytes / _unit * _unit];
        int choices = _pool.Length / _unit;
        for (long left = bytes; left > 0;)
        {
            for (int at = 0; at < chunk.Length; at += _unit)
            {
                _pool.AsSpan(_random.Next(choices) * _unit, _unit).CopyTo(chunk.AsSpan(at));
            }

            int count = (int)Math.Min(left, chunk.Length);
            stream.Write(chunk, 0, count);
            left -= count;
        }
    }

    /// <summary>A standard normal number, by Box and Muller.</summary>
    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
