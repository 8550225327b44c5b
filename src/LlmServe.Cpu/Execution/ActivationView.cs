namespace LlmServe.Cpu.Execution;

/// <summary>Rows of a buffer, with their layout.</summary>
internal readonly unsafe struct ActivationView(byte* data, ActivationLayout layout)
{
    public readonly byte* Data = data;
    public readonly ActivationLayout Layout = layout;

    /// <summary>Start of a row.</summary>
    public byte* Row(int row) => Data + ((nint)row * Layout.RowBytes);

    public float* Real(int row) => (float*)(Row(row) + Layout.Real);

    public sbyte* Signed8(int row) => (sbyte*)(Row(row) + Layout.Signed8);

    public float* Scales(int row) => (float*)(Row(row) + Layout.Scales);

    public short* Sums(int row) => (short*)(Row(row) + Layout.Sums);
}
