namespace LlmServe.Compiler.Programs;

/// <summary>Opcodes that a drawing shows in one colour.</summary>
public enum OpcodeFamily
{
    /// <summary>A matrix times rows.</summary>
    Matrix,

    /// <summary>A matrix times rows, added to the residual stream.</summary>
    Residual,

    /// <summary>The two matrices of a gate.</summary>
    Gate,

    /// <summary>Matrices of chosen experts.</summary>
    Experts,

    Attention,

    Norm,

    /// <summary>Elements of rows, each by itself.</summary>
    Row,

    /// <summary>What turns tokens and positions into rows.</summary>
    Embedding,
}
