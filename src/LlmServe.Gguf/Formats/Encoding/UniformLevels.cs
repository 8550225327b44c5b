using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Codes that follow one another.</summary>
internal struct UniformLevels<TBlock> : ILevels where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private static readonly float Least = TBlock.Codes.Least;

    private static readonly float Most = TBlock.Codes.Most;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Nearest(V x) => Lanes.Round(Lanes.Clamp(x, Vector512.Create(Least), Vector512.Create(Most)));
}
