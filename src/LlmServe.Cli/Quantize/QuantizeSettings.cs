using LlmServe.Quantizer.Recipes;

namespace LlmServe.Cli.Quantize;

/// <summary>What a command line says about how to quantize.</summary>
internal sealed record QuantizeSettings
{
    /// <summary>The recipe.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Rules beside it.</summary>
    public required FormatOptions Formats { get; init; }

    /// <summary>Threads that work.</summary>
    public required int Threads { get; init; }

    /// <summary>Whether a file that is there is replaced.</summary>
    public bool Overwrites { get; init; }

    /// <summary>Whether only the formats are printed.</summary>
    public bool IsDryRun { get; init; }
}
