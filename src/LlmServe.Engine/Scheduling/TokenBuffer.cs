namespace LlmServe.Engine.Scheduling;

/// <summary>
/// The tokens of one sequence: prompt and answer, and behind them those that a tick tries out, drafts first and then what was chosen. While the sequence has
/// a slot they stand in the slot's buffer, which holds as many as the context, so that an answer grows without allocating.
/// </summary>
/// <param name="prompt">The prompt; not copied.</param>
/// <param name="limit">Most tokens of prompt and answer.</param>
internal sealed class TokenBuffer(int[] prompt, int limit)
{
    private int[] _tokens = prompt; // [at least Limit] in a slot, else [Length] at least

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; } = prompt.Length;

    /// <summary>Tokens that are known: prompt and answer.</summary>
    public int Length { get; private set; } = prompt.Length;

    /// <summary>Most of them.</summary>
    public int Limit => limit;

    /// <summary>Tokens of the answer.</summary>
    public int AnswerLength => Length - PromptLength;

    /// <summary>Prompt and answer.</summary>
    public ReadOnlySpan<int> Known => _tokens.AsSpan(0, Length);

    /// <summary>The token at a position, known or tried out.</summary>
    public int this[int position] => _tokens[position];

    /// <summary>The tokens of the first positions, known or tried out.</summary>
    public ReadOnlySpan<int> First(int count) => _tokens.AsSpan(0, count);

    /// <summary>Writes a token behind the known ones.</summary>
    /// <param name="ahead">How far behind, from 0.</param>
    /// <param name="token">The token.</param>
    public void Try(int ahead, int token) => _tokens[Length + ahead] = token;

    /// <summary>The first token that was tried out is known from now on.</summary>
    public int Accept() => _tokens[Length++];

    /// <summary>The sequence gets a slot.</summary>
    public void MoveTo(int[] buffer)
    {
        Known.CopyTo(buffer);
        _tokens = buffer;
    }

    /// <summary>The sequence loses its slot, but will get one again.</summary>
    public void MoveOut() => _tokens = Known.ToArray();
}
