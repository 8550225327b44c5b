using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Reads stored scales and minimums of a format: the real numbers <c>w</c> and <c>m</c> of docs/numerics.md, exactly.</summary>
internal static unsafe class ScaleLoad<TSimd, V, TBlock>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
{
    /// <summary>2^<see cref="IBlockFormat{TSelf}.ScaleExponent"/>, as its bits.</summary>
    private static readonly int Power = BitConverter.SingleToInt32Bits(MathF.ScaleB(1, TBlock.ScaleExponent));

    /// <summary>The numbers of a vector's rows, 16 bits each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* source)
    {
        if (TBlock.ScaleType != ScaleType.Half)
        {
            return TSimd.LoadBrains(source);
        }

        return TBlock.ScaleExponent == 0 ? TSimd.LoadHalves(source) : TSimd.Multiply(TSimd.LoadHalves(source), TSimd.Set(Power));
    }
}
