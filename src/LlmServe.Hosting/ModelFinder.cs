using LlmServe.Serving;

namespace LlmServe.Hosting;

/// <summary>Finds the model file to use: the one named, else the embedded one, from any working directory.</summary>
/// <param name="variable">Reads an environment variable.</param>
/// <param name="startFolders">Folders whose ancestors may hold <c>models/</c>: where the program lies and where the user stands.</param>
public sealed class ModelFinder(Func<string, string?> variable, IReadOnlyList<string> startFolders)
{
    /// <summary>Where the embedded model lies, below a folder on the way up.</summary>
    public static string EmbeddedPath { get; } = Path.Combine("models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");

    /// <summary>Environment variable that names a model where no option does.</summary>
    public const string Variable = "LLMSERVE_MODEL";

    /// <summary>The finder of this process.</summary>
    public static ModelFinder ForProcess() => new(Environment.GetEnvironmentVariable, [AppContext.BaseDirectory, .. WorkingFolder()]);

    /// <summary>The model file's full path.</summary>
    /// <param name="given">The value of the option, or null.</param>
    /// <param name="option">The option's name.</param>
    /// <exception cref="OptionException">There is no such file; the message says where was looked.</exception>
    public string Find(string? given, string option = nameof(ModelSettings.Path))
    {
        if (given is not null)
        {
            return Existing(given, option);
        }

        if (variable(Variable) is { Length: > 0 } set)
        {
            return Existing(set, Variable);
        }

        string data = Path.Combine(DataFolder(), "llmserve", EmbeddedPath);
        return startFolders.Select(WalkUp).FirstOrDefault(found => found is not null)
            ?? (File.Exists(data) ? data : throw new OptionException(
                option,
                $"the embedded model was not found: looked for {EmbeddedPath} in and above {string.Join(" and ", startFolders.Distinct())}, "
                + $"and for {data}; name a GGUF file, or give its path in {Variable}"));
    }

    private static string Existing(string path, string option)
    {
        string full;
        try
        {
            full = Path.GetFullPath(path);
        }
        catch (ArgumentException error)
        {
            throw new OptionException(option, $"'{path}' is no path: {error.Message}", error);
        }
        catch (IOException error)
        {
            throw new OptionException(option, $"'{path}' is relative to the working directory, which is gone; give a path that begins with /", error);
        }

        if (Directory.Exists(full))
        {
            throw new OptionException(option, $"{full} is a folder; name the GGUF file in it");
        }

        return File.Exists(full) ? full : throw new OptionException(
            option, $"no file at {full}; check the path" + (option == nameof(ModelSettings.Draft) ? "" : ", or leave it out to use the embedded model"));
    }

    /// <summary>Where the user stands; nowhere if that directory was deleted meanwhile.</summary>
    private static string[] WorkingFolder()
    {
        try
        {
            return [Environment.CurrentDirectory];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string? WalkUp(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, EmbeddedPath);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The user's data folder by the XDG base directory specification; a relative value is ignored, as it demands.</summary>
    private string DataFolder() => variable("XDG_DATA_HOME") is { Length: > 0 } set && Path.IsPathRooted(set)
        ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share");
}
