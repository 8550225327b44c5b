using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>How a float format stores its numbers, and how eight of them become f32.</summary>
internal unsafe interface IFloatCodes
{
    /// <summary>Bytes of a number.</summary>
    static abstract int Bytes { get; }

    /// <summary>Eight numbers, widened exactly.</summary>
    static abstract Vector256<float> Load(byte* source);

    /// <summary>One number.</summary>
    static abstract float LoadOne(byte* source);
}

/// <summary>F32.</summary>
internal unsafe struct SingleCodes : IFloatCodes
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source) => Vector256.Load((float*)source);

    public static float LoadOne(byte* source) => *(float*)source;
}

/// <summary>F16.</summary>
internal unsafe struct HalfCodes : IFloatCodes
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source) => VectorMath.LoadHalves(source);

    public static float LoadOne(byte* source) => (float)*(Half*)source;
}

/// <summary>BF16.</summary>
internal unsafe struct BrainCodes : IFloatCodes
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source) => (VectorMath.LoadWords((short*)source) << 16).AsSingle();

    public static float LoadOne(byte* source) => BitConverter.Int32BitsToSingle(*(ushort*)source << 16);
}
