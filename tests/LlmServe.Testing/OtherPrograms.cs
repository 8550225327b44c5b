using System.Diagnostics;
using System.Text;
using Xunit;

namespace LlmServe.Testing;

/// <summary>Programs that some tests need and not every machine has.</summary>
public static class OtherPrograms
{
    private static readonly TimeSpan InstallTime = TimeSpan.FromMinutes(5);

    /// <summary>What a developer may miss, continuous integration (<c>CI=true</c>) may not: skips the test there, and fails it here.</summary>
    public static void SkipOrFail(bool condition, string problem)
    {
        Assert.True(condition || Environment.GetEnvironmentVariable("CI") != "true", problem);
        Skip.IfNot(condition, $"SKIPPED: {problem}");
    }

    /// <summary>A program of the search path, or null.</summary>
    public static string? Find(string name)
    {
        string[] names = OperatingSystem.IsWindows() ? [$"{name}.exe", $"{name}.cmd"] : [name];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(file => Path.Combine(folder, file))).FirstOrDefault(File.Exists);
    }

    /// <summary>A program that the calling test cannot do without.</summary>
    public static string Require(string name, string purpose)
    {
        string? found = Find(name);
        SkipOrFail(found is not null, $"{name} is not installed, so {purpose}");
        return found!;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its file.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Its working directory.</param>
    /// <param name="time">The longest that it may take.</param>
    /// <param name="onLine">Called for each line that it writes; may be null.</param>
    /// <param name="variables">What the environment has besides.</param>
    /// <returns>Its exit code, −1 if it had to be ended, and all that it wrote.</returns>
    public static async Task<(int ExitCode, string Text)> RunAsync(
        string program, IEnumerable<string> arguments, string folder, TimeSpan time, Action<string>? onLine = null, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = new Process { StartInfo = start };
        var text = new StringBuilder();
        void Take(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (text)
            {
                text.AppendLine(line);
            }

            onLine?.Invoke(line);
        }

        process.OutputDataReceived += (_, received) => Take(received.Data);
        process.ErrorDataReceived += (_, received) => Take(received.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(time);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, $"{text}\n(ended after {time})");
        }

        return (process.ExitCode, text.ToString());
    }

    /// <summary>Installs the npm packages of a folder's lock file, unless they are there. Test projects that need the same folder wait for each other.</summary>
    public static async Task InstallNodePackagesAsync(string folder)
    {
        string installed = Path.Combine(folder, "node_modules", ".package-lock.json");
        string wanted = Path.Combine(folder, "package-lock.json");
        bool IsInstalled() => File.Exists(installed) && File.GetLastWriteTimeUtc(installed) >= File.GetLastWriteTimeUtc(wanted);
        if (IsInstalled())
        {
            return;
        }

        string npm = Require("npm", $"the packages of {folder} cannot be installed");
        await using var turn = await TakeTurnAsync(Path.Combine(Path.GetTempPath(), $"llmserve-npm-{Path.GetFileName(folder)}.lock"));
        if (IsInstalled())
        {
            return;
        }

        var (exitCode, text) = await RunAsync(npm, ["ci", "--no-progress"], folder, InstallTime);
        SkipOrFail(exitCode == 0, $"npm ci failed in {folder} (is the package registry out of reach?):\n{text}");
    }

    private static async Task<FileStream> TakeTurnAsync(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(100);
            }
        }
    }
}
