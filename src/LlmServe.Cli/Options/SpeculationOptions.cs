using System.CommandLine;
using System.Globalization;

namespace LlmServe.Cli.Options;

/// <summary>The options for guessing tokens ahead.</summary>
internal static class SpeculationOptions
{
    private const int MostGuesses = 64;

    // The parser takes null for a value that could not be read.
    private const int Auto = -1;

    /// <summary><c>--speculate</c>; <see cref="Guesses"/> reads its value.</summary>
    public static Option<int?> CreateSpeculate() => new("--speculate")
    {
        Description = "Guess tokens ahead from repeating text, and verify them at once; answers stay the same. auto: where it pays (default), "
            + "N: always that many, for measuring",
        HelpName = "auto|off|N",
        CustomParser = result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (string.Equals(text, "auto", StringComparison.OrdinalIgnoreCase))
            {
                return Auto;
            }

            if (string.Equals(text, "off", StringComparison.OrdinalIgnoreCase))
            {
                return 0;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int guesses) && guesses is >= 1 and <= MostGuesses)
            {
                return guesses;
            }

            result.AddError($"--speculate: found '{text}', allowed is auto, off or a whole number from 1 to {MostGuesses}");
            return null;
        },
    };

    /// <summary>Tokens to guess ahead; null: where it pays.</summary>
    public static int? Guesses(int? value) => value is null or Auto ? null : value;

    /// <summary><c>--draft</c>.</summary>
    public static Option<string?> CreateDraft() =>
        OptionFactory.Text("--draft", "PATH", "Smaller GGUF model with the same vocabulary that guesses tokens ahead too; answers stay the same");
}
