using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using LlmServe.Compiler.Cost;

namespace LlmServe.Cpu.Profile;

/// <summary>
/// A machine profile on disk, as text: <c>measured</c> with the time in Unix seconds, <c>machine</c> with read bandwidth, barrier and overhead, a line
/// <c>kernel</c> with five times for each kernel in the order asked for, and <c>digest</c> over the lines before. The file's name is a digest of all that
/// the figures depend on: processor, programs, kernels. One that is older than a week, damaged or implausible is not read.
/// </summary>
internal static class ProfileFile
{
    private const string Suffix = ".llmserve-profile";
    private const string TimeLine = "measured";
    private const string MachineLine = "machine";
    private const string KernelLine = "kernel";
    private const string DigestLine = "digest";

    /// <summary>How long figures hold: clocks, cooling and neighbours change.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromDays(7);

    /// <summary>Path of the profile of a machine for a set of kernels.</summary>
    /// <param name="folder">The cache's folder.</param>
    /// <param name="identity">All that the figures depend on.</param>
    public static string PathOf(string folder, string identity) =>
        Path.Combine(folder, $"{XxHash128.HashToUInt128(Encoding.UTF8.GetBytes($"profile 1\n{MachineName()}\n{identity}")):x32}{Suffix}");

    /// <summary>Reads a profile, if it is whole, plausible and not too old.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="keys">The kernels, in the order in which they were written.</param>
    /// <param name="now">The time now.</param>
    public static MachineProfile? TryRead(string path, IReadOnlyList<KernelKey> keys, DateTimeOffset now)
    {
        try
        {
            const int MostBytesOfLine = 256;
            var info = new FileInfo(path);
            return info.Exists && info.Length > 0 && info.Length <= (long)MostBytesOfLine * (keys.Count + 3) ? Parse(File.ReadAllText(path), keys, now) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes a profile and deletes those that are too old. Others see the old file, or none, until it is complete.</summary>
    /// <returns>Whether it could be written.</returns>
    public static bool TryWrite(string path, MachineProfile profile, IReadOnlyList<KernelKey> keys, DateTimeOffset now)
    {
        string folder = Path.GetDirectoryName(path)!;
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(temporary, Print(profile, keys, now));
            File.Move(temporary, path, overwrite: true);
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles($"*{Suffix}*").Where(f => now - f.LastWriteTimeUtc > Lifetime))
            {
                file.Delete();
            }

            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The text of a profile.</summary>
    public static string Print(MachineProfile profile, IReadOnlyList<KernelKey> keys, DateTimeOffset now)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{TimeLine} {now.ToUnixTimeSeconds()}\n");
        text.Append(CultureInfo.InvariantCulture, $"{MachineLine} {profile.ReadBandwidth:R} {profile.Barrier:R} {profile.TickOverhead:R}\n");
        foreach (var key in keys)
        {
            var time = profile.Kernels[key];
            text.Append(CultureInfo.InvariantCulture, $"{KernelLine} {time.First:R} {time.Next:R} {time.PerPosition:R} {time.NextPerPosition:R} {time.FirstFromMemory:R}\n");
        }

        string lines = text.ToString();
        return $"{lines}{DigestLine} {DigestOf(lines)}\n";
    }

    /// <summary>Reads what <see cref="Print"/> wrote; null: it is damaged, too old or implausible.</summary>
    public static MachineProfile? Parse(string text, IReadOnlyList<KernelKey> keys, DateTimeOffset now)
    {
        int digest = text.LastIndexOf($"{DigestLine} ", StringComparison.Ordinal);
        if (digest < 0 || text[digest..] != $"{DigestLine} {DigestOf(text[..digest])}\n")
        {
            return null;
        }

        string[] lines = text[..digest].TrimEnd('\n').Split('\n');
        if (lines.Length != keys.Count + 2 || Figures(lines[0], TimeLine, 1) is not [double measured] || Figures(lines[1], MachineLine, 3) is not [double bandwidth, double barrier, double overhead])
        {
            return null;
        }

        double age = now.ToUnixTimeSeconds() - measured;
        var kernels = new Dictionary<KernelKey, KernelTime>();
        for (int i = 0; i < keys.Count; i++)
        {
            if (Figures(lines[i + 2], KernelLine, 5) is not { } times || times.Any(t => t > 1))
            {
                return null;
            }

            kernels.Add(keys[i], new KernelTime(times[0], times[1], times[2], times[3], times[4]));
        }

        // A machine that reads less than 10 MB or more than 100 TB per second, or takes 0.1 s for a barrier, was not measured but made up.
        bool isPlausible = age >= 0 && age <= Lifetime.TotalSeconds && bandwidth is >= 1e7 and <= 1e14 && barrier <= 0.1 && overhead <= 0.1;
        return isPlausible
            ? new MachineProfile { ReadBandwidth = bandwidth, Barrier = barrier, TickOverhead = overhead, Kernels = kernels, IsMeasured = true }
            : null;
    }

    /// <summary>The numbers of a line, none of them negative or infinite.</summary>
    private static double[]? Figures(string line, string name, int count)
    {
        string[] words = line.Split(' ');
        if (words.Length != count + 1 || words[0] != name)
        {
            return null;
        }

        double[] figures = new double[count];
        for (int i = 0; i < count; i++)
        {
            if (!double.TryParse(words[i + 1], NumberStyles.Float, CultureInfo.InvariantCulture, out figures[i]) || !double.IsFinite(figures[i]) || figures[i] < 0)
            {
                return null;
            }
        }

        return figures;
    }

    private static string DigestOf(string text) => $"{XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(text)):x32}";

    /// <summary>The processor as the system calls it, its number of processors, and this build with its runtime, whose kernels were timed.</summary>
    private static string MachineName()
    {
        string build = $"{typeof(ProfileFile).Module.ModuleVersionId} {typeof(MachineProfile).Module.ModuleVersionId} {Environment.Version}";
        return $"{ProcessorName()}\n{Environment.ProcessorCount} {RuntimeInformation.ProcessArchitecture}\n{build}";
    }

    private static string ProcessorName()
    {
        const string Information = "/proc/cpuinfo";
        return File.Exists(Information)
            ? File.ReadLines(Information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) ?? ""
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "";
    }
}
