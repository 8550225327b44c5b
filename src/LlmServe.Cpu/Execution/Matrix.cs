namespace LlmServe.Cpu.Execution;

/// <summary>A weight as kernels see it. Of a weight with several matrices the first; the others follow at equal distances.</summary>
internal unsafe struct Matrix
{
    /// <summary>Rows as in the model file; null where they are repacked. [Rows][RawRowBytes]</summary>
    public byte* Raw;

    public long RawRowBytes;

    /// <summary>Repacked tiles of 16 rows, or null. [Tiles][TileBytes]</summary>
    public byte* Packed;

    public long TileBytes;
    public int Rows;
    public int Columns;

    /// <summary>From one matrix of the weight to the next, in bytes of <see cref="Raw"/> and of <see cref="Packed"/>.</summary>
    public long RawApart;
    public long PackedApart;

    /// <summary>Decodes a raw row to f32.</summary>
    public delegate*<byte*, float*, long, void> Decode;

    /// <summary>Decodes a row to f32, from wherever it is kept: this matrix, row, target. [Columns]</summary>
    public delegate*<Matrix*, int, float*, void> DecodeRow;

    /// <summary>One of several matrices of the weight.</summary>
    public readonly Matrix At(int index)
    {
        var matrix = this;
        matrix.Raw = Raw == null ? null : Raw + (index * RawApart);
        matrix.Packed = Packed == null ? null : Packed + (index * PackedApart);
        return matrix;
    }
}
