namespace LlmServe.Cpu.Execution;

/// <summary>A lowered instruction: a kernel and its operands as pointers. A lane's program is an array of these.</summary>
internal unsafe struct Step
{
    /// <summary>The kernel; null marks a barrier.</summary>
    public delegate*<Step*, LaneState*, void> Run;

    public ActivationView Input;
    public ActivationView Input2;
    public ActivationView Input3;
    public ActivationView Output;

    /// <summary>Intermediate results. [lanes]</summary>
    public ActivationView Parts;

    public Matrix* Weight;
    public Matrix* Weight2;
    public Matrix* Weight3;

    /// <summary>Constants that the kernel alone knows.</summary>
    public void* Detail;

    /// <summary>Matrix kernel for <see cref="Weight"/>: matrix, activations, rows, first and end matrix row, y, floats between rows of y, scratch.</summary>
    public delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Product;

    /// <summary>Matrix kernel for <see cref="Weight2"/>.</summary>
    public delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Product2;

    /// <summary>An activation: the gate, which gets the result; what is gated, or null; how many; constants, which stand in <see cref="Detail"/>.</summary>
    public delegate*<float*, float*, int, float*, void> Activate;

    /// <summary>Matrix rows handled at a time where results pass through scratch.</summary>
    public int PanelRows;

    /// <summary>Columns, or matrix rows.</summary>
    public int Begin;
    public int End;

    /// <summary>Shares of the rows.</summary>
    public int FirstShare;
    public int EndShare;

    /// <summary>Rows of the operands for each row of the tick.</summary>
    public int Copies;

    /// <summary>Rows are the selected ones.</summary>
    public bool Selected;

    /// <summary>The input has every row.</summary>
    public bool Gathers;

    public float Constant;
}
