using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Serving;

namespace LlmServe.Cli.Serve;

/// <summary>Reads API keys from a configuration. Its messages never repeat a key or a hash.</summary>
internal static class ApiKeyReader
{
    /// <summary>The list's key.</summary>
    public const string Section = "api_keys";

    private const int MaxKeys = 10_000;

    private static readonly string[] Fields = ["name", "key", "sha256", "max_streams", "max_prompt_tokens", "max_output_tokens", "priority"];

    /// <summary>Reads the keys of a configuration and those of a file of keys.</summary>
    /// <param name="values">What file and environment say.</param>
    /// <param name="keyFile">The value of <c>--api-key-file</c>, or null.</param>
    /// <exception cref="CliException">Something is wrong with one of them; the message says where.</exception>
    public static IReadOnlyList<ApiKey> Read(ConfigurationValues values, string? keyFile)
    {
        var keys = ReadList(values);
        if (keyFile is null)
        {
            return keys;
        }

        var file = ConfigurationValues.LoadPart(keyFile);
        if (file.All.FirstOrDefault(value => !value.Key.StartsWith(Section + ":", StringComparison.OrdinalIgnoreCase)) is { } stranger)
        {
            throw new CliException($"{keyFile}: unknown key '{stranger.Key}'; allowed is {Section}", ExitCode.Usage);
        }

        keys.AddRange(ReadList(file));
        return keys.Count > 0 ? keys : throw new CliException(
            $"{keyFile}: has no keys; write them as {{ \"{Section}\": [ {{ \"name\": \"alice\", \"key\": \"…\" }} ] }}", ExitCode.Usage);
    }

    private static List<ApiKey> ReadList(ConfigurationValues values)
    {
        if (values.Find(Section) is { } scalar)
        {
            throw new CliException($"{scalar.Source}: found a text, allowed is a list of objects with {string.Join(", ", Fields)}", ExitCode.Usage);
        }

        var entries = new SortedDictionary<int, Dictionary<string, ConfigurationValue>>();
        foreach (var value in values.Below(Section))
        {
            string[] path = value.Key.Split(':');
            if (path.Length != 3 || !int.TryParse(path[1], NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= MaxKeys
                || path[1] != index.ToString(CultureInfo.InvariantCulture)
                || !Fields.Contains(path[2], StringComparer.OrdinalIgnoreCase))
            {
                throw new CliException($"{value.Source}: unknown key; allowed are {Section}:N:{string.Join($", {Section}:N:", Fields)} for N from 0", ExitCode.Usage);
            }

            if (!entries.TryGetValue(index, out var entry))
            {
                entries.Add(index, entry = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase));
            }

            entry.Add(path[2], value);
        }

        return [.. entries.Values.Select(ReadKey)];
    }

    private static ApiKey ReadKey(Dictionary<string, ConfigurationValue> entry)
    {
        var (field, any) = entry.First();
        string place = any.Source[..^field.Length].TrimEnd('_', ':');
        var name = entry.GetValueOrDefault("name") ?? throw new CliException($"{place}: the key has no name; give it one, since logs and limits go by it", ExitCode.Usage);
        bool plain = entry.TryGetValue("key", out var secret);
        if (plain == entry.TryGetValue("sha256", out var hash))
        {
            throw new CliException($"{place}: '{name.Text}' needs exactly one of key and sha256", ExitCode.Usage);
        }

        var key = At((plain ? secret : hash)!, () => new ApiKey
        {
            Name = name.Text,
            Sha256 = plain ? ApiKey.HashOf(secret!.Text) : hash!.Text,
            MaxStreams = Number(entry, "max_streams", 1),
            MaxPromptTokens = Number(entry, "max_prompt_tokens", 1),
            MaxOutputTokens = Number(entry, "max_output_tokens", 1),
            Priority = Number(entry, "priority", -ApiKey.GreatestPriority, ApiKey.GreatestPriority) ?? 0,
        });
        return At(name, () =>
        {
            // The numbers are in their ranges; what is left is the name.
            key.Validate();
            return key;
        });
    }

    private static ApiKey At(ConfigurationValue value, Func<ApiKey> read)
    {
        try
        {
            return read();
        }
        catch (OptionException error)
        {
            throw new CliException($"{value.Source}: {error.Message}", ExitCode.Usage, error);
        }
    }

    private static int? Number(Dictionary<string, ConfigurationValue> entry, string field, int least, int most = int.MaxValue)
    {
        if (!entry.TryGetValue(field, out var value))
        {
            return null;
        }

        return int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new CliException($"{value.Source}: found '{value.Text}', allowed is a whole number from {least} to {most}", ExitCode.Usage);
    }
}
