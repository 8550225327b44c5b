using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>The scalar row kernels: what every other instruction set is compared with.</summary>
internal unsafe struct ReferenceRows : IRowKernels<ReferenceRows>
{
    public static void RmsNorm(float* x, float* gain, float* y, int length, float epsilon) => ReferenceVector.RmsNorm(x, gain, y, length, epsilon);

    public static void WriteForms(float* values, in ActivationView output, int row, int begin, int count) =>
        ReferenceVector.WriteForms(values, output, row, begin, count);

    public static void GateSilu(float* gate, float* up, int length)
    {
        for (int i = 0; i < length; i++)
        {
            gate[i] = NumericsMath.Silu(gate[i]) * up[i];
        }
    }

    public static void Add(float* y, float* x, int length)
    {
        for (int i = 0; i < length; i++)
        {
            y[i] += x[i];
        }
    }

    public static void StoreCache(float* values, byte* row, int first, int length, in KvLayout kv)
    {
        for (int i = 0; i < length; i++)
        {
            int index = kv.IndexOf(first + i);
            if (kv.ElementBytes == 2)
            {
                ((Half*)row)[index] = (Half)values[i];
            }
            else
            {
                ((float*)row)[index] = values[i];
            }
        }
    }

    public static int TileRows(TickState* tick) => 0;

    public static float* AttendTile(LaneState* lane, ActivationView* query, int firstRow, int rows, int layer, int keyHead) =>
        throw new NotSupportedException("the scalar kernels handle attention row by row");

    public static void Attend(LaneState* lane, float* query, float* output, int row, int layer, int firstHead, int heads)
    {
        var tick = lane->Tick;
        int size = tick->Shape.HeadSize;
        for (int head = firstHead; head < firstHead + heads; head++)
        {
            ReferenceAttention.Head(tick, query + (head * size), output + ((head - firstHead) * size), row, layer, head / tick->Shape.HeadsPerKeyHead);
        }
    }
}
