namespace LlmServe.Text.Templates;

/// <summary>The three parts of a slice; null stands for a part that was left out. The step is never 0.</summary>
internal readonly record struct SliceBounds(int? Start, int? Stop, int Step)
{
    /// <summary>First index and number of items for a sequence of the given length, by Python's rules of clamping.</summary>
    public (int Start, int Count) Resolve(int length)
    {
        int lowest = Step > 0 ? 0 : -1;
        int highest = Step > 0 ? length : length - 1;
        int start = Clamp(Start, Step > 0 ? lowest : highest, length, lowest, highest);
        int stop = Clamp(Stop, Step > 0 ? highest : lowest, length, lowest, highest);
        long distance = Step > 0 ? (long)stop - start : (long)start - stop;
        long stride = Math.Abs((long)Step);
        return (start, distance <= 0 ? 0 : (int)((distance + stride - 1) / stride));
    }

    private static int Clamp(int? value, int missing, int length, int lowest, int highest)
    {
        if (value is not { } given)
        {
            return missing;
        }

        long index = given < 0 ? (long)given + length : given;
        return (int)Math.Clamp(index, lowest, highest);
    }
}
