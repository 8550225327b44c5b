namespace LlmServe.Engine.Sampling;

/// <summary>Penalizes tokens that would prolong a repetition (docs/numerics.md, "Sampling", DRY). Takes time in proportion to the tokens looked back over.</summary>
/// <param name="vocabulary">Tokens that there are.</param>
internal sealed class DryPenalty(int vocabulary)
{
    private readonly int[] _longest = new int[vocabulary]; // [vocabulary], zero between calls
    private int[] _agreeing = []; // [tokens looked back over]

    /// <summary>Changes <paramref name="logits"/> in place. Allocates only where more tokens are looked back over than ever before.</summary>
    public void Apply(Span<float> logits, DryParameters parameters, ReadOnlySpan<int> tokens)
    {
        int most = parameters.CountBehindBreaker(tokens);
        tokens = tokens[^Math.Min(tokens.Length, parameters.Window)..];
        most = Math.Min(most, tokens.Length);
        if (most < parameters.AllowedLength || tokens.Length < 2)
        {
            return;
        }

        var agreeing = Agreeing(tokens);
        for (int back = 1; back < tokens.Length; back++)
        {
            int next = tokens[^back];
            _longest[next] = Math.Max(_longest[next], Math.Min(agreeing[back], most));
        }

        for (int back = 1; back < tokens.Length; back++)
        {
            int next = tokens[^back];
            int length = _longest[next];
            _longest[next] = 0;
            if (length >= parameters.AllowedLength && length > 0)
            {
                logits[next] -= Penalty(parameters, length);
            }
        }
    }

    private static float Penalty(DryParameters parameters, int length)
    {
        float power = 1;
        for (int i = parameters.AllowedLength; i < length && power < float.MaxValue; i++)
        {
            power = Math.Min(power * parameters.Base, float.MaxValue);
        }

        return Math.Min(parameters.Multiplier * power, float.MaxValue);
    }

    /// <summary>
    /// For every number of tokens back, how many tokens before that place agree with the end: the Z function of the tokens read backwards, which looks at each
    /// token a bounded number of times however much repeats.
    /// </summary>
    private ReadOnlySpan<int> Agreeing(ReadOnlySpan<int> tokens)
    {
        if (_agreeing.Length < tokens.Length)
        {
            _agreeing = new int[Math.Max(tokens.Length, 2 * _agreeing.Length)];
        }

        int left = 0;
        int right = 0; // the match that reaches furthest: [left, right)
        for (int back = 1; back < tokens.Length; back++)
        {
            int length = back < right ? Math.Min(right - back, _agreeing[back - left]) : 0;
            while (back + length < tokens.Length && tokens[^(length + 1)] == tokens[^(back + length + 1)])
            {
                length++;
            }

            _agreeing[back] = length;
            if (back + length > right)
            {
                left = back;
                right = back + length;
            }
        }

        return _agreeing;
    }
}
