using LlmServe.Cli.App;
using Microsoft.Extensions.Configuration;

namespace LlmServe.Cli.Serve;

/// <summary>One value of a file or of the environment.</summary>
/// <param name="Key">Such as <c>port</c> or <c>api_keys:0:name</c>.</param>
/// <param name="Text">The value; numbers and switches as text.</param>
/// <param name="Source">Where it stands, for messages: file and key, or the variable's name.</param>
/// <param name="Hint">What may be the matter if the key is unknown; may be empty.</param>
internal sealed record ConfigurationValue(string Key, string Text, string Source, string Hint = "");

/// <summary>What a configuration file and the environment say, the environment first.</summary>
internal sealed class ConfigurationValues
{
    /// <summary>The file's section; other sections are other programs'.</summary>
    public const string Section = "llmserve";

    /// <summary>What the names of variables begin with.</summary>
    public const string Prefix = "LLMSERVE_";

    /// <summary>The file that is read from the working directory if none is named.</summary>
    public const string DefaultFile = "appsettings.json";

    private const int LongestFile = 1 << 20;

    /// <summary>Variables that are not about serving: of clients, of error messages, of tests.</summary>
    private static readonly string[] Elsewhere = ["API_KEY", "TLS_CA", "DEBUG", "HISTORY", "SHARED", "UPDATE_DOCS"];

    private readonly Dictionary<string, ConfigurationValue> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Every value, each key once.</summary>
    public IEnumerable<ConfigurationValue> All => _values.Values;

    /// <summary>Reads both sources.</summary>
    /// <param name="file">The file that was named; null: <see cref="DefaultFile"/> of the working directory, if it is there and has the section.</param>
    /// <param name="environment">Every variable of the environment.</param>
    /// <exception cref="CliException">The file is missing, too long, no JSON, or has no such section.</exception>
    public static ConfigurationValues Load(string? file, IReadOnlyDictionary<string, string> environment)
    {
        var values = new ConfigurationValues();
        if (file is not null)
        {
            values.AddFile(file, required: true);
        }
        else if (File.Exists(DefaultFile))
        {
            values.AddFile(DefaultFile, required: false);
        }

        values.AddEnvironment(environment);
        return values;
    }

    /// <summary>Reads one file that holds a part of the keys without a section around them.</summary>
    /// <exception cref="CliException">As <see cref="Load"/> says.</exception>
    public static ConfigurationValues LoadPart(string file)
    {
        var values = new ConfigurationValues();
        values.Add(file, "", Parse(file).AsEnumerable());
        return values;
    }

    /// <summary>The value of a key; null where no source has it.</summary>
    public ConfigurationValue? Find(string key) => _values.GetValueOrDefault(key);

    /// <summary>The values below a key, such as those of a list.</summary>
    public IEnumerable<ConfigurationValue> Below(string key) =>
        All.Where(value => value.Key.StartsWith(key + ":", StringComparison.OrdinalIgnoreCase));

    private void AddFile(string file, bool required)
    {
        var section = Parse(file).GetSection(Section);
        if (section.Value is { Length: > 0 } text)
        {
            throw new CliException($"{file}: {Section}: found '{text}', allowed is an object such as {{ \"port\": 8080 }}", ExitCode.Usage);
        }

        if (section.Exists())
        {
            Add(file, Section + ":", section.AsEnumerable(makePathsRelative: true));
        }
        else if (required)
        {
            throw new CliException($"{file}: has no section '{Section}'; write the settings as {{ \"{Section}\": {{ \"port\": 8080 }} }}", ExitCode.Usage);
        }
    }

    private void Add(string file, string prefix, IEnumerable<KeyValuePair<string, string?>> pairs)
    {
        foreach (var (key, text) in pairs)
        {
            // Objects and lists have no text of their own; null and the empty list say nothing.
            if (key.Length > 0 && !string.IsNullOrEmpty(text))
            {
                _values[key] = new ConfigurationValue(key, text, $"{file}: {prefix}{key}");
            }
        }
    }

    private void AddEnvironment(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, text) in environment)
        {
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || text.Length == 0)
            {
                continue;
            }

            // Two underscores lead into a list, as in every .NET program; one is part of a name.
            string key = name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal).ToLowerInvariant();
            if (!Elsewhere.Contains(key, StringComparer.OrdinalIgnoreCase))
            {
                _values[key] = new ConfigurationValue(key, text, $"environment variable {name}", HintOf(key));
            }
        }
    }

    private static string HintOf(string key) => key.StartsWith("service_", StringComparison.Ordinal) || key.StartsWith("port_", StringComparison.Ordinal)
        ? " (Kubernetes sets such variables for a service of the name llmserve: set enableServiceLinks to false, or rename the service)"
        : "";

    private static IConfigurationRoot Parse(string file)
    {
        try
        {
            // A pipe has no length, so what arrives is counted.
            using var stream = File.OpenRead(file);
            byte[] bytes = new byte[LongestFile + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length <= LongestFile
                ? new ConfigurationBuilder().AddJsonStream(new MemoryStream(bytes, 0, length)).Build()
                : throw new CliException($"{file}: is too long; a configuration file has at most {LongestFile} bytes", ExitCode.Usage);
        }
        catch (Exception error) when (error is FormatException or InvalidDataException or System.Text.Json.JsonException)
        {
            throw new CliException($"{file}: is no valid configuration: {error.GetBaseException().Message}", ExitCode.Usage, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"{file}: cannot be read: {error.Message}", ExitCode.Failure, error);
        }
    }
}
