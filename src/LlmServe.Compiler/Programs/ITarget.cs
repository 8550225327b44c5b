using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Compiler.Programs;

/// <summary>What the compiler asks of a backend.</summary>
public interface ITarget
{
    /// <summary>Name for listings: <c>cpu avx2</c>.</summary>
    string Name { get; }

    /// <summary>Threads, or multiprocessors, that play the program.</summary>
    int Lanes { get; }

    /// <summary>Matrix rows that its layout keeps together: cuts between lanes fall on multiples of it.</summary>
    int TileRows => 16;

    /// <summary>The form in which rows must reach a matrix in a tick of up to <paramref name="rows"/> rows.</summary>
    ActivationForms FormFor(Weight matrix, int rows);

    /// <summary>Columns that are written together in these forms: 1, or the length of a block that shares a scale.</summary>
    int GroupOf(ActivationForms forms);

    /// <summary>Bytes of one row of <paramref name="columns"/> numbers in these forms; a multiple of 64.</summary>
    int RowBytes(ActivationForms forms, int columns);

    /// <summary>The forms in words, for listings.</summary>
    string Describe(ActivationForms forms) => forms.ToString();

    /// <summary>
    /// Whether what handles whole rows, such as norms, is done again by every lane for itself (no barrier, for few rows) rather than once with the rows shared
    /// out (one barrier more, for many).
    /// </summary>
    bool RepeatsRows(int rows);

    /// <summary>
    /// Numbers of intermediate results that a lane keeps of a layer's attention, where others can read them: a prompt's tiles need none, and a lane that
    /// joins what others computed reads theirs.
    /// </summary>
    /// <param name="shape">The layer's attention.</param>
    /// <param name="rows">Most rows of a tick.</param>
    /// <param name="context">Most positions of a sequence.</param>
    int AttentionParts(AttentionShape shape, int rows, int context);

    /// <summary>Elements of a head that are stored by one lane, in a cache of this type.</summary>
    int CacheGroup(KvElement element, int headSize);

    /// <summary>Bytes of a matrix as the backend stores it.</summary>
    long StoredBytes(Weight matrix);

    /// <summary>Fewest rows for which the target multiplies <paramref name="matrix"/> with the same kernel as for <paramref name="rows"/> rows.</summary>
    int KernelFrom(Weight matrix, int rows) => 1;
}
