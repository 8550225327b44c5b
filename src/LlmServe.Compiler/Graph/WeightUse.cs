namespace LlmServe.Compiler.Graph;

/// <summary>How operations read a weight, which decides how a backend keeps it.</summary>
[Flags]
public enum WeightUse
{
    None = 0,

    /// <summary>Rows of activations are multiplied by it.</summary>
    Matrix = 1,

    /// <summary>Single rows of it are decoded.</summary>
    Table = 2,

    /// <summary>It is read as f32 numbers, whatever floats the file has.</summary>
    Vector = 4,
}
