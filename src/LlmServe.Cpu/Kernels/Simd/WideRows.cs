using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Row kernels with AVX-512: those of <see cref="SimdRows"/>, but for the attention of single rows.</summary>
internal unsafe struct WideRows : IRowKernels<WideRows>
{
    public static void RmsNorm(float* x, float* gain, float* y, int length, float epsilon) => SimdRows.RmsNorm(x, gain, y, length, epsilon);

    public static void WriteForms(float* values, in ActivationView output, int row, int begin, int count) =>
        SimdRows.WriteForms(values, in output, row, begin, count);

    public static void GateSilu(float* gate, float* up, int length) => SimdRows.GateSilu(gate, up, length);

    public static void Add(float* y, float* x, int length) => SimdRows.Add(y, x, length);

    public static void RotateHalves(float* x, float* cosines, float* sines, int pairs) => SimdRows.RotateHalves(x, cosines, sines, pairs);

    public static void RotateNeighbours(float* x, float* cosines, float* sines, int pairs) => SimdRows.RotateNeighbours(x, cosines, sines, pairs);

    public static void StoreCache(float* values, byte* panel, int position, int first, int length, in KvLayout kv) =>
        SimdRows.StoreCache(values, panel, position, first, length, in kv);

    public static int TileRows(TickState* tick) => SimdRows.TileRows(tick);

    public static float* AttendTile(LaneState* lane, ActivationView* query, int firstRow, int rows, int layer, int keyHead) =>
        SimdRows.AttendTile(lane, query, firstRow, rows, layer, keyHead);

    public static void AttendSegment(TickState* tick, float* query, int row, int layer, int keyHead, int heads, int segment, float* o, float* stats)
    {
        if (AttentionParts.CanHandle(tick->Kv, tick->Shape.HeadSize))
        {
            SimdAttention.Segment<Width512>(tick, query, row, layer, keyHead, heads, segment, o, stats);
        }
        else
        {
            SimdRows.AttendSegment(tick, query, row, layer, keyHead, heads, segment, o, stats);
        }
    }

    public static void JoinSegment(float* whole, float* wholeStats, float* o, float* stats, int size) => SimdRows.JoinSegment(whole, wholeStats, o, stats, size);

    public static void Divide(float* o, float l, int size) => SimdRows.Divide(o, l, size);
}
