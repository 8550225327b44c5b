using LlmServe.Cpu;
using LlmServe.Serving;

namespace LlmServe.Hosting;

/// <summary>Where the program keeps what it can make again.</summary>
/// <param name="variable">Reads an environment variable.</param>
public sealed class CachePlaces(Func<string, string?> variable)
{
    /// <summary>Environment variable that says what <see cref="ModelSettings.RepackCache"/> does not.</summary>
    public const string RepackVariable = "LLMSERVE_REPACK_CACHE";

    /// <summary>The places of this process.</summary>
    public static CachePlaces ForProcess() => new(Environment.GetEnvironmentVariable);

    /// <summary>Where repacked weights of a model are kept, or null.</summary>
    /// <param name="choice"><c>auto</c>, <c>off</c>, <c>beside</c> or a folder; null: the environment variable, else <c>auto</c>.</param>
    /// <param name="modelPath">The model's file.</param>
    /// <param name="note">Gets lines for people.</param>
    /// <exception cref="OptionException">The folder is no path.</exception>
    public RepackCacheOptions? RepackCache(string? choice, string modelPath, Action<string> note)
    {
        string chosen = choice ?? (variable(RepackVariable) is { Length: > 0 } set ? set : "auto");
        string? own = UserFolder("repack");
        string?[] folders = chosen.ToLowerInvariant() switch
        {
            "off" => [],
            "auto" => [own],
            "beside" => [Path.GetDirectoryName(modelPath), own],
            _ => [FullPath(chosen, choice is null ? RepackVariable : nameof(ModelSettings.RepackCache))],
        };
        string[] known = [.. folders.OfType<string>()];
        return known.Length == 0 ? null : new RepackCacheOptions { Folders = known, Note = note };
    }

    /// <summary>A folder below the user's cache folder by the XDG base directory specification, whose relative values are ignored as it demands; null without a home.</summary>
    public string? UserFolder(string name)
    {
        if (variable("XDG_CACHE_HOME") is { Length: > 0 } set && Path.IsPathRooted(set))
        {
            return Path.Combine(set, "llmserve", name);
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length == 0 ? null : Path.Combine(home, ".cache", "llmserve", name);
    }

    private static string FullPath(string folder, string option)
    {
        if (string.IsNullOrWhiteSpace(folder))
        {
            throw new OptionException(option, "is empty; allowed: auto, off, beside or a folder");
        }

        try
        {
            return Path.GetFullPath(folder);
        }
        catch (Exception error) when (error is ArgumentException or IOException)
        {
            throw new OptionException(option, $"'{folder}' is neither auto, off nor beside, and no folder: {error.Message}", error);
        }
    }
}
