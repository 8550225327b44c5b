using System.CommandLine;
using System.CommandLine.Parsing;
using LlmServe.Cli.App;

namespace LlmServe.Cli.Serve;

/// <summary>
/// Gives the flags of a command two more sources: a file and the environment. A flag <c>--max-queue</c> is the key <c>max_queue</c> of the file's
/// section and the variable <c>LLMSERVE_MAX_QUEUE</c>; what the file says yields to the environment, and both to the command line. Values are read by
/// the flags themselves, so all three sources have the same ranges and the same messages.
/// </summary>
internal sealed class ServeConfiguration
{
    private readonly Command _command;
    private readonly ConfigurationValues _values;
    private readonly Dictionary<string, Option> _options;

    private ServeConfiguration(Command command, ConfigurationValues values, IEnumerable<Option> excluded)
    {
        _command = command;
        _values = values;
        _options = command.Options.Except(excluded).ToDictionary(KeyOf, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The keys of a file's section that are no flags: secrets, which a list of processes would show, and what flags cannot say.</summary>
    public static IReadOnlyList<string> KeysWithoutFlag { get; } = [ApiKeyReader.Section, TlsPassword];

    /// <summary>Key of the password of a TLS key.</summary>
    public static string TlsPassword => "tls_password";

    /// <summary>What a flag is called in a file.</summary>
    public static string KeyOf(Option option) => option.Name.TrimStart('-').Replace('-', '_');

    /// <summary>Adds what file and environment say to what the command line says.</summary>
    /// <param name="command">The command whose flags may be configured.</param>
    /// <param name="flags">What the command line says.</param>
    /// <param name="values">What file and environment say.</param>
    /// <param name="excluded">Flags that are no keys.</param>
    /// <returns>As if all of it stood on the command line.</returns>
    /// <exception cref="CliException">A key is unknown, or its value is not allowed; the message names its source.</exception>
    public static ParseResult Apply(Command command, ParseResult flags, ConfigurationValues values, params Option[] excluded)
    {
        if (!values.All.Any())
        {
            return flags;
        }

        var configuration = new ServeConfiguration(command, values, excluded);
        configuration.RefuseUnknownKeys();
        var arguments = configuration.ArgumentsOf(flags);
        var merged = command.Parse(arguments, flags.Configuration);
        return merged.Errors.Count == 0
            ? merged
            : throw new CliException($"{merged.Errors[0].Message} (settings come from the command line, LLMSERVE_ variables and the configuration file)", ExitCode.Usage);
    }

    private void RefuseUnknownKeys()
    {
        foreach (var value in _values.All)
        {
            string first = value.Key.Split(':')[0];
            bool known = _options.ContainsKey(value.Key) || string.Equals(value.Key, TlsPassword, StringComparison.OrdinalIgnoreCase)
                || string.Equals(first, ApiKeyReader.Section, StringComparison.OrdinalIgnoreCase);
            if (!known)
            {
                throw new CliException(
                    $"{value.Source}: unknown key '{value.Key}'{value.Hint}; allowed are {string.Join(", ", _options.Keys.Concat(KeysWithoutFlag).Order(StringComparer.Ordinal))}",
                    ExitCode.Usage);
            }
        }
    }

    private List<string> ArgumentsOf(ParseResult flags)
    {
        var given = flags.CommandResult.Children.OfType<OptionResult>().Where(result => !result.Implicit).ToList();
        var arguments = new List<string>();
        foreach (var (key, option) in _options)
        {
            if (_values.Find(key) is { } value && given.All(result => result.Option != option))
            {
                arguments.Add(Argument(option, value));
            }
        }

        foreach (var result in given.Where(result => _options.ContainsValue(result.Option)))
        {
            arguments.AddRange(result.Tokens.Count == 0 ? [result.Option.Name] : result.Tokens.Select(token => $"{result.Option.Name}={token.Value}"));
        }

        return arguments;
    }

    private string Argument(Option option, ConfigurationValue value)
    {
        if (option is Option<bool> && !bool.TryParse(value.Text, out _))
        {
            throw new CliException($"{value.Source}: found '{value.Text}', allowed is true or false", ExitCode.Usage);
        }

        string argument = $"{option.Name}={value.Text}";
        string prefix = $"{option.Name}: ";
        foreach (var error in _command.Parse([argument]).Errors)
        {
            // Other errors are about flags that belong together, which one alone cannot satisfy.
            if (error.Message.StartsWith(prefix, StringComparison.Ordinal))
            {
                throw new CliException($"{value.Source}: {error.Message[prefix.Length..]}", ExitCode.Usage);
            }
        }

        return argument;
    }
}
