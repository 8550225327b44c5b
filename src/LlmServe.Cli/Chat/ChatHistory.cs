using System.Text.Json;

namespace LlmServe.Cli.Chat;

/// <summary>What was typed at the prompt, kept from one session to the next: a JSON string a line, readable by its owner alone.</summary>
/// <param name="path">The file; null: nothing is kept.</param>
/// <param name="note">Gets a line for people when the file cannot be used; nothing is kept from then on.</param>
internal sealed class ChatHistory(string? path, Action<string> note)
{
    /// <summary>The variable that names another file, or <c>off</c>.</summary>
    public const string Variable = "LLMSERVE_HISTORY";

    private const int MostLines = 1000;
    private const long MostBytes = 1 << 20;
    private string? _path = path;

    /// <summary>The history of this user: a file in the state folder of the XDG base directory specification.</summary>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="note">See the constructor.</param>
    public static ChatHistory ForUser(IReadOnlyDictionary<string, string> environment, Action<string> note)
    {
        string chosen = environment.GetValueOrDefault(Variable, "");
        return new ChatHistory(
            chosen.Equals("off", StringComparison.OrdinalIgnoreCase) ? null : chosen.Length > 0 ? chosen : DefaultPath(environment), note);
    }

    /// <summary>The lines of earlier sessions, oldest first.</summary>
    public IReadOnlyList<string> Load() => Try<IReadOnlyList<string>>([], file =>
    {
        if (!File.Exists(file))
        {
            return [];
        }

        string[] lines = File.ReadAllLines(file);
        string[] kept = [.. lines.TakeLast(MostLines)];
        if (lines.Length > 2 * MostLines || new FileInfo(file).Length > MostBytes)
        {
            string fresh = $"{file}.{Environment.ProcessId}";
            Append(fresh, kept);
            File.Move(fresh, file, overwrite: true);
        }

        return [.. kept.Select(Decode).OfType<string>()];
    });

    /// <summary>Adds a line.</summary>
    public void Add(string line) => Try(0, file =>
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        Append(file, [JsonSerializer.Serialize(line)]);
        return 0;
    });

    private static string? DefaultPath(IReadOnlyDictionary<string, string> environment)
    {
        // Relative values are ignored, as the specification demands.
        if (environment.GetValueOrDefault("XDG_STATE_HOME") is { Length: > 0 } set && Path.IsPathRooted(set))
        {
            return Path.Combine(set, "llmserve", "history");
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length == 0 ? null : Path.Combine(home, ".local", "state", "llmserve", "history");
    }

    private static void Append(string file, IEnumerable<string> lines)
    {
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(file, options);
        foreach (string line in lines)
        {
            writer.WriteLine(line);
        }
    }

    private static string? Decode(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<string>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private T Try<T>(T otherwise, Func<string, T> use)
    {
        try
        {
            return _path is { } file ? use(file) : otherwise;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            note($"what is typed is not kept: {error.Message} ({Variable} names another file, or off)");
            _path = null;
            return otherwise;
        }
    }
}
