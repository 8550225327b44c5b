using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace LlmServe.Cli.Options;

/// <summary>The value of an option that is on or off.</summary>
internal enum Toggle
{
    /// <summary>No.</summary>
    Off,

    /// <summary>Yes.</summary>
    On,
}

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

    /// <summary>A number of bytes, such as <c>1048576</c>, <c>512KiB</c>, <c>64MiB</c> or <c>2GiB</c>.</summary>
    public static Option<long?> Size(string name, string description, long minimum, long maximum) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => TryReadSize(Value(result), out long value) && value >= minimum && value <= maximum
            ? value : Fail<long?>(result, name, $"a size from {minimum} to {maximum} bytes, such as 65536, 512KiB, 64MiB or 2GiB"),
    };

    /// <summary>On or off. (The parser takes only true and false for an option of type bool, with a message of its own.)</summary>
    public static Option<Toggle?> OnOff(string name, string description)
    {
        var option = new Option<Toggle?>(name)
        {
            Description = description,
            HelpName = "on|off",
            // A configuration file says true and false.
            CustomParser = result => Value(result).ToLowerInvariant() switch
            {
                "on" or "true" => Toggle.On,
                "off" or "false" => Toggle.Off,
                _ => Fail<Toggle?>(result, name, "one of on, off"),
            },
        };
        option.CompletionSources.Clear(); // the enumeration's own names
        option.CompletionSources.Add("on", "off");
        return option;
    }

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
        option.CompletionSources.Clear(); // the enumeration's own names
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

    private static bool TryReadSize(string text, out long bytes)
    {
        bytes = 0;
        int digits = text.TakeWhile(char.IsAsciiDigit).Count();
        int shift = text[digits..].Trim().ToUpperInvariant() switch
        {
            "" or "B" => 0,
            "KIB" => 10,
            "MIB" => 20,
            "GIB" => 30,
            _ => -1,
        };
        if (shift < 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > long.MaxValue >> shift)
        {
            return false;
        }

        bytes = number << shift;
        return true;
    }

    private static string Value(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";

    private static T? Fail<T>(ArgumentResult result, string name, string allowed)
    {
        result.AddError($"{name}: found '{Value(result)}', allowed is {allowed}");
        return default;
    }
}
