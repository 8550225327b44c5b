using System.Text;

namespace LlmServe.Testing.Fakes;

/// <summary>Answers for a <see cref="FakeExecutor"/> that a test can read.</summary>
public static class FakeScript
{
    /// <summary>
    /// After the last <paramref name="marker"/> in the text so far the model says <paramref name="answer"/> and then <paramref name="endId"/>.
    /// </summary>
    /// <param name="tokenizer">Encodes the answer.</param>
    /// <param name="marker">Text that ends the prompt, for example "assistant\n"; must not occur in the answer.</param>
    /// <param name="answer">What to say.</param>
    /// <param name="endId">How the answer ends; negative: by pseudo-random tokens.</param>
    public static NextToken After(FakeTokenizer tokenizer, string marker, string answer, int endId = FakeTokenizer.Eos)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(marker);
        int[] ids = [.. tokenizer.Ids(answer), endId];
        return history =>
        {
            int said = TokensAfter(tokenizer, history, wanted);
            return (uint)said < (uint)ids.Length ? ids[said] : -1;
        };
    }

    /// <summary>Tokens that start behind the last occurrence of <paramref name="wanted"/>; −1: it does not occur.</summary>
    private static int TokensAfter(FakeTokenizer tokenizer, ReadOnlySpan<int> history, byte[] wanted)
    {
        var bytes = new List<byte>();
        var starts = new int[history.Length];
        for (int i = 0; i < history.Length; i++)
        {
            starts[i] = bytes.Count;
            bytes.AddRange(tokenizer.BytesOf(history[i]));
        }

        int at = bytes.ToArray().AsSpan().LastIndexOf(wanted);
        return at < 0 ? -1 : starts.Count(start => start >= at + wanted.Length);
    }
}
