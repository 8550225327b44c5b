namespace LlmServe.Testing.Fakes;

/// <summary>Answers for a <see cref="FakeExecutor"/> that a test can read.</summary>
public static class FakeScript
{
    /// <summary>After the last <paramref name="marker"/> in the history the model says <paramref name="answer"/> and then <paramref name="endId"/>.</summary>
    /// <param name="marker">Text that ends the prompt; an empty one gives an answer to a prompt of <paramref name="promptLength"/> tokens.</param>
    public static NextToken After(
        FakeTokenizer tokenizer, string marker, string answer, int promptLength = 0, int endId = FakeTokenizer.Eos)
    {
        int[] markerIds = tokenizer.Ids(marker);
        int[] answerIds = [.. tokenizer.Ids(answer), endId];
        return history =>
        {
            int start = markerIds.Length == 0 ? promptLength : history.LastIndexOf(markerIds) + markerIds.Length;
            int said = history.Length - start;
            return start < markerIds.Length && markerIds.Length > 0 || (uint)said >= (uint)answerIds.Length ? -1 : answerIds[said];
        };
    }
}
