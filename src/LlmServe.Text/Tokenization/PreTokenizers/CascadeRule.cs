namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Several stages one after the other, each of which cuts the segments that the ones before left.</summary>
internal sealed class CascadeRule(params Stage[] stages) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Cut(ReadOnlySpan<char> text, List<int> ends, List<int> scratch)
    {
        int kept = ends.Count;
        stages[0].Split(text, 0, ends);
        foreach (var stage in stages.AsSpan(1))
        {
            scratch.Clear();
            int start = 0;
            for (int i = kept; i < ends.Count; i++)
            {
                stage.Split(text[start..ends[i]], start, scratch);
                start = ends[i];
            }

            ends.RemoveRange(kept, ends.Count - kept);
            ends.AddRange(scratch);
        }
    }
}
