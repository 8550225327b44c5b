using System.Text;
using LlmServe.Text;

namespace LlmServe.Engine.Sampling;

/// <summary>What one sequence asks of DRY, and where its last breaker stands.</summary>
internal sealed class DryParameters
{
    private readonly ITokenizer? _tokenizer;
    private readonly byte[][] _breakers;
    private int _scanned;
    private int _behindBreaker; // index of the token behind the last breaker among those that were scanned

    /// <param name="options">The request's options.</param>
    /// <param name="tokenizer">Says which tokens are breakers; null: none are.</param>
    public DryParameters(SamplingOptions options, ITokenizer? tokenizer)
    {
        _tokenizer = tokenizer;
        _breakers = [.. options.DryBreakers.Select(Encoding.UTF8.GetBytes)];
        Multiplier = options.DryMultiplier;
        Base = options.DryBase;
        AllowedLength = options.DryAllowedLength;
        Window = options.DryWindow ?? int.MaxValue;
    }

    public float Multiplier { get; }

    public float Base { get; }

    public int AllowedLength { get; }

    public int Window { get; }

    /// <summary>Tokens at the end that no breaker stands among.</summary>
    /// <param name="tokens">What an earlier call saw of them has not changed.</param>
    public int CountBehindBreaker(ReadOnlySpan<int> tokens)
    {
        for (; _scanned < tokens.Length; _scanned++)
        {
            _behindBreaker = IsBreaker(tokens[_scanned]) ? _scanned + 1 : _behindBreaker;
        }

        return tokens.Length - _behindBreaker;
    }

    private bool IsBreaker(int token)
    {
        if (_tokenizer is not null)
        {
            var bytes = _tokenizer.BytesOf(token);
            foreach (byte[] breaker in _breakers)
            {
                if (bytes.IndexOf(breaker) >= 0)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
