using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace LlmServe.Cli.Options;

/// <summary>Options whose errors say the option, the value found and the values allowed.</summary>
internal static class OptionFactory
{
    /// <summary>A whole number in a range.</summary>
    public static Option<int?> Integer(string name, string description, int minimum, int maximum = int.MaxValue) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
            int.TryParse(Value(result), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= minimum && value <= maximum
                ? value : Fail<int?>(result, name, maximum == int.MaxValue ? $"a whole number of at least {minimum}" : $"a whole number from {minimum} to {maximum}"),
    };

    /// <summary>A finite number in a range.</summary>
    public static Option<float?> Number(string name, string description, float minimum, float maximum) => new(name)
    {
        Description = description,
        HelpName = "X",
        CustomParser = result =>
            float.TryParse(Value(result), NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && value >= minimum && value <= maximum
                ? value : Fail<float?>(result, name, string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}")),
    };

    /// <summary>A 64-bit key.</summary>
    public static Option<ulong?> Key(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => ulong.TryParse(Value(result), NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value : Fail<ulong?>(result, name, $"a whole number from 0 to {ulong.MaxValue}"),
    };

    /// <summary>One of a few names.</summary>
    public static Option<T?> Choice<T>(string name, string description, params (string Name, T Value)[] choices) where T : struct
    {
        string names = string.Join('|', choices.Select(choice => choice.Name));
        var option = new Option<T?>(name)
        {
            Description = description,
            HelpName = names,
            CustomParser = result =>
            {
                string text = Value(result);
                foreach (var choice in choices)
                {
                    if (string.Equals(choice.Name, text, StringComparison.OrdinalIgnoreCase))
                    {
                        return choice.Value;
                    }
                }

                return Fail<T?>(result, name, $"one of {string.Join(", ", choices.Select(choice => choice.Name))}");
            },
        };
        option.CompletionSources.Add([.. choices.Select(choice => choice.Name)]);
        return option;
    }

    /// <summary>Any text.</summary>
    public static Option<string?> Text(string name, string helpName, string description) => new(name) { Description = description, HelpName = helpName };

    /// <summary>A switch.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>A text that must be given.</summary>
    public static Option<string> RequiredText(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName, Required = true };

    private static string Value(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";

    private static T? Fail<T>(ArgumentResult result, string name, string allowed)
    {
        result.AddError($"{name}: found '{Value(result)}', allowed is {allowed}");
        return default;
    }
}
