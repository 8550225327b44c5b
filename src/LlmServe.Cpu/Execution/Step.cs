namespace LlmServe.Cpu.Execution;

/// <summary>A lowered instruction: a kernel and its operands as pointers. A lane's program is an array of these.</summary>
internal unsafe struct Step
{
    /// <summary>The kernel; null marks a barrier.</summary>
    public delegate*<Step*, LaneState*, void> Run;

    public ActivationView Input;
    public ActivationView Output;

    /// <summary>Cosines and sines of the tick's rows: [rows][pairs cosines, pairs sines].</summary>
    public ActivationView Rope;

    /// <summary>Intermediate results of attention. [lanes]</summary>
    public ActivationView Parts;

    public Matrix* Weight;
    public Matrix* Weight2;

    /// <summary>Matrix kernel for <see cref="Weight"/>: matrix, activations, rows, first and end matrix row, y, floats between rows of y, scratch.</summary>
    public delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Product;

    /// <summary>Matrix kernel for <see cref="Weight2"/>.</summary>
    public delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Product2;

    /// <summary>Matrix rows handled at a time where results pass through scratch.</summary>
    public int PanelRows;

    public int Layer;
    public int Begin;
    public int End;

    /// <summary>Rows are the selected ones.</summary>
    public bool Selected;

    public float Constant;
}

/// <summary>A weight as kernels see it.</summary>
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

    /// <summary>Decodes a raw row to f32.</summary>
    public delegate*<byte*, float*, long, void> Decode;

    /// <summary>Decodes a row to f32, from wherever it is kept: this matrix, row, target. [Columns]</summary>
    public delegate*<Matrix*, int, float*, void> DecodeRow;
}
