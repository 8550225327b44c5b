using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf.Tests;

/// <summary>Array-based access to the pointer-based decoder.</summary>
internal static unsafe class TestRows
{
    public static float[] Decode(BlockFormat format, byte[] blocks, int count)
    {
        float[] result = new float[count];
        fixed (byte* source = blocks)
        fixed (float* destination = result)
        {
            format.DecodeRow(source, destination, count);
        }

        return result;
    }
}
