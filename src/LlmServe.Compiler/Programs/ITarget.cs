using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>What the compiler asks of a backend.</summary>
public interface ITarget
{
    /// <summary>Name for listings: <c>cpu avx2</c>.</summary>
    string Name { get; }

    /// <summary>Threads that play the program.</summary>
    int Lanes { get; }

    /// <summary>The form in which rows must reach a matrix in a tick of up to <paramref name="rows"/> rows.</summary>
    ActivationForms FormFor(Weight matrix, int rows);

    /// <summary>Bytes of one row of <paramref name="columns"/> numbers in these forms; a multiple of 64.</summary>
    int RowBytes(ActivationForms forms, int columns);

    /// <summary>
    /// Whether norms are computed again by every lane (no barrier, for few rows) rather than once with the rows shared out (one barrier more, for many).
    /// </summary>
    bool RepeatNorms(int rows);

    /// <summary>Bytes of a matrix as the backend stores it.</summary>
    long StoredBytes(Weight matrix);

    /// <summary>Fewest rows for which the target multiplies <paramref name="matrix"/> with the same kernel as for <paramref name="rows"/> rows.</summary>
    int KernelFrom(Weight matrix, int rows) => 1;
}
