namespace LlmServe.Cli.LoadTest;

/// <summary>Makes requests from a seed. Thread-safe.</summary>
internal sealed class RequestFactory
{
    private const int LongestPauseMilliseconds = 400;

    private readonly LoadTestPlan _plan;
    private readonly int[] _words;
    private readonly int[] _prefix;

    /// <param name="plan">Lengths, shares and the seed.</param>
    /// <param name="words">Token ids that prompts are drawn from, at least one.</param>
    public RequestFactory(LoadTestPlan plan, int[] words)
    {
        ArgumentOutOfRangeException.ThrowIfZero(words.Length);
        _plan = plan;
        _words = words;
        _prefix = Draw(RandomOf(-1), plan.SharedPrefix);
    }

    /// <summary>The request of this number.</summary>
    public LoadRequest Create(long number)
    {
        var random = RandomOf(number);
        int[] prompt = [.. _prefix, .. Draw(random, _plan.PromptTokens.Draw(random))];
        int output = _plan.OutputTokens.Draw(random);
        var reader = Reader(random.NextDouble());
        return new LoadRequest(number, prompt, output, reader, random.Next(output), TimeSpan.FromMilliseconds(random.Next(LongestPauseMilliseconds)));
    }

    /// <summary>A steady reader's request with a prompt of exactly this length that shares nothing with others.</summary>
    /// <param name="number">Below 0, so that it is none of the others'.</param>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="outputTokens">Tokens of the answer.</param>
    public LoadRequest CreateSpecial(long number, int promptTokens, int outputTokens) =>
        new(number, Draw(RandomOf(number), promptTokens), outputTokens, ReaderKind.Steady, 0, TimeSpan.Zero);

    private ReaderKind Reader(double draw) =>
        draw < _plan.CancelShare ? ReaderKind.Cancels
        : draw < _plan.CancelShare + _plan.SlowShare ? ReaderKind.Slow
        : draw < _plan.CancelShare + _plan.SlowShare + _plan.DisconnectShare ? ReaderKind.Disconnects
        : ReaderKind.Steady;

    private int[] Draw(Random random, int count)
    {
        var ids = new int[count];
        for (int i = 0; i < count; i++)
        {
            ids[i] = _words[random.Next(_words.Length)];
        }

        return ids;
    }

    /// <summary>Neighbouring numbers and seeds must not give similar requests: SplitMix64's finalizer stirs them.</summary>
    private Random RandomOf(long number)
    {
        ulong x = unchecked(_plan.Seed * 0x9E3779B97F4A7C15 + (ulong)number);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EB);
        return new Random((int)(x ^ (x >> 31)));
    }
}
