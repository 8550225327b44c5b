namespace LlmServe.Serving;

/// <summary>What a server takes, and from whom, whatever protocol it speaks.</summary>
public record ServingOptions
{
    /// <summary>
    /// Largest request in bytes. The default of 1 MiB holds about 250,000 tokens of English and keeps what a hostile request can allocate while it is
    /// read below 64 MB.
    /// </summary>
    public int MaxRequestBytes { get; init; } = 1 << 20;

    /// <summary>Most messages of a conversation.</summary>
    public int MaxMessages { get; init; } = 4096;

    /// <summary>Most tokens of a prompt. Null: as many as the model's context holds.</summary>
    public int? MaxPromptTokens { get; init; }

    /// <summary>Most tokens of an answer: a request for more fails, one that names no limit gets this one. Null: as many as the model's context holds.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Who may use the server; none: everybody. Health needs no key.</summary>
    public IReadOnlyList<ApiKey> ApiKeys { get; init; } = [];

    /// <summary>How long running calls may go on once the server is told to stop.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Threads that render and tokenize texts, below the model's lanes in priority; 0: as many as the lanes leave processors, at least one.</summary>
    public int TextWorkers { get; init; }

    /// <summary>The clock that chat templates see (some write today's date into the prompt).</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Throws if a value is outside its range.</summary>
    /// <exception cref="OptionException">Says which value, and what is allowed.</exception>
    public virtual void Validate()
    {
        OptionException.Require(MaxRequestBytes is >= 1024 and <= 1 << 30, nameof(MaxRequestBytes), MaxRequestBytes, "1,024 … 1,073,741,824");
        OptionException.Require(MaxMessages >= 1, nameof(MaxMessages), MaxMessages, "1 or more");
        OptionException.Require(MaxPromptTokens is null or >= 1, nameof(MaxPromptTokens), MaxPromptTokens, "1 or more");
        OptionException.Require(MaxOutputTokens is null or >= 1, nameof(MaxOutputTokens), MaxOutputTokens, "1 or more");
        OptionException.Require(TextWorkers is >= 0 and <= 1024, nameof(TextWorkers), TextWorkers, "0 … 1,024");
        OptionException.Require(GracePeriod >= TimeSpan.Zero && GracePeriod <= TimeSpan.FromDays(1), nameof(GracePeriod), GracePeriod, "0 … 1 day");
        ClientDirectory.Validate(ApiKeys);
    }
}
