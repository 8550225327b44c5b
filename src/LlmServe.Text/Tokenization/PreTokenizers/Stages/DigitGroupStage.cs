namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets numbers apart and cuts them into groups of three from their end, as people write them: 1, 234, 567.</summary>
internal sealed class DigitGroupStage : Stage
{
    private const int Group = 3;

    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> segment, int offset, List<int> ends)
    {
        for (int at = 0; at < segment.Length;)
        {
            int number = at;
            while (number < segment.Length && (CharClasses.At(segment, number, out int length) & CharClass.Number) == 0)
            {
                number += length;
            }

            if (number > at)
            {
                ends.Add(offset + number);
            }

            at = CutNumber(segment, number, offset, ends);
        }
    }

    private static int CutNumber(ReadOnlySpan<char> segment, int start, int offset, List<int> ends)
    {
        int end = start;
        int digits = 0;
        while (end < segment.Length && (CharClasses.At(segment, end, out int length) & CharClass.Number) != 0)
        {
            end += length;
            digits++;
        }

        for (int at = start; at < end;)
        {
            CharClasses.At(segment, at, out int length);
            at += length;
            digits--;
            if (digits % Group == 0)
            {
                ends.Add(offset + at);
            }
        }

        return end;
    }
}
