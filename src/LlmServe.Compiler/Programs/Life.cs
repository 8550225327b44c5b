namespace LlmServe.Compiler.Programs;

/// <summary>First and last phase in which a buffer is used.</summary>
internal readonly record struct Life(int First, int Last)
{
    public bool IsUsed => Last >= First;

    public bool Overlaps(Life other) => First <= other.Last && other.First <= Last;
}
