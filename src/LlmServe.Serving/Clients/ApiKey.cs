using System.Security.Cryptography;
using System.Text;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>
/// A key that lets a client in, and what the client may do. Of the key itself only the SHA-256 is kept, so neither memory dumps nor logs hold it;
/// keys must therefore be random (32 random bytes in hexadecimal are a good one), since the hash of a guessable text can be found by guessing.
/// </summary>
public sealed record ApiKey
{
    /// <summary>Fewest characters of a key.</summary>
    public const int ShortestKey = 16;

    /// <summary>Most characters of a key.</summary>
    public const int LongestKey = 512;

    /// <summary>Most characters of a name.</summary>
    public const int LongestName = 64;

    /// <summary>Priorities are −<see cref="GreatestPriority"/> … <see cref="GreatestPriority"/>.</summary>
    public const int GreatestPriority = RequestLimits.MaxPriority;

    private readonly byte[] _hash = [];

    /// <summary>Who has the key: 1 … 64 letters, digits and <c>. _ -</c>. It stands in logs and is what the engine is fair between.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the key's UTF-8 bytes, as 64 hexadecimal digits.</summary>
    /// <exception cref="OptionException">It is not that.</exception>
    public required string Sha256
    {
        get => Convert.ToHexStringLower(_hash);
        init => _hash = value.Length == SHA256.HashSizeInBytes * 2 && value.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(value)
            : throw new OptionException(nameof(Sha256), $"The SHA-256 of a key has {value.Length} characters; it must be 64 hexadecimal digits.");
    }

    /// <summary>Most answers that stream at once; null: no limit of its own.</summary>
    public int? MaxStreams { get; init; }

    /// <summary>Most tokens of a prompt; null: the server's limit.</summary>
    public int? MaxPromptTokens { get; init; }

    /// <summary>Most tokens of an answer; null: the server's limit.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Requests of a greater priority are started before others that wait; 0 is usual.</summary>
    public int Priority { get; init; }

    /// <summary>The hash that <see cref="Sha256"/> stores for a key.</summary>
    /// <exception cref="OptionException">The key is too short or too long, or has characters that a header cannot carry. The message does not repeat it.</exception>
    public static string HashOf(string key)
    {
        if (key.Length is < ShortestKey or > LongestKey || !key.All(c => c is > ' ' and <= '~'))
        {
            throw new OptionException(
                nameof(ServingOptions.ApiKeys),
                $"A key of {key.Length} characters was given; a key has {ShortestKey} … {LongestKey} visible ASCII characters, without spaces.");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
    }

    /// <summary>The name alone.</summary>
    public override string ToString() => $"API key '{Name}'";

    /// <summary>Whether this is the key with <paramref name="hash"/>; takes the same time whatever the answer.</summary>
    internal bool Matches(ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(_hash, hash);

    /// <summary>Throws if a value is outside its range. A server that starts does so for each of its keys.</summary>
    /// <exception cref="OptionException">Says whose and which.</exception>
    public void Validate()
    {
        Require(
            Name.Length is >= 1 and <= LongestName && Name.All(c => char.IsAsciiLetterOrDigit(c) || "._-".Contains(c)),
            nameof(Name), $"1 … {LongestName} letters, digits and . _ -");
        Require(MaxStreams is null or >= 1, nameof(MaxStreams), "1 or more");
        Require(MaxPromptTokens is null or >= 1, nameof(MaxPromptTokens), "1 or more");
        Require(MaxOutputTokens is null or >= 1, nameof(MaxOutputTokens), "1 or more");
        Require(Priority is >= -GreatestPriority and <= GreatestPriority, nameof(Priority), $"-{GreatestPriority} … {GreatestPriority}");
    }

    private void Require(bool condition, string property, string allowed)
    {
        if (!condition)
        {
            throw new OptionException(nameof(ServingOptions.ApiKeys), $"{property} of the API key '{Name}' is not allowed; allowed is {allowed}.");
        }
    }
}
