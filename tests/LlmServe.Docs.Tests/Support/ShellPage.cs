using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests.Support;

/// <summary>Runs the shell blocks of one page one after the other, as its reader would, in a folder that looks like the repository.</summary>
internal sealed class ShellPage : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-docs-").FullName;
    private readonly string _page;
    private readonly Dictionary<string, int> _ports = [];

    public ShellPage(string page)
    {
        _page = page;
        Directory.CreateDirectory(State);
        Directory.CreateDirectory(Work);
        foreach (string entry in Directory.EnumerateFileSystemEntries(TestData.RepositoryRoot))
        {
            File.CreateSymbolicLink(Path.Combine(Work, Path.GetFileName(entry)), entry);
        }

        WriteProgram("llmserve", Resource("llmserve.sh"));
        Prepare();
    }

    private string State => Path.Combine(_folder, "state");

    private string Work => Path.Combine(_folder, "work");

    /// <summary>Runs all blocks.</summary>
    /// <returns>What went wrong, for people; empty: nothing.</returns>
    public async Task<string> RunAsync(IReadOnlyList<DocBlock> blocks)
    {
        var script = new StringBuilder("set -eo pipefail\n");
        var expectations = new List<(DocBlock Block, string Command, string Expected, string File)>();
        if (NeedsServer(blocks))
        {
            script.Append("llmserve serve >/dev/null\n");
        }

        foreach (var block in blocks)
        {
            script.Append($"echo '== {block.Place}' >&2\n");
            if (block.Language == "sh")
            {
                script.Append(Runnable(block)).Append('\n');
                continue;
            }

            foreach (var (command, expected) in Dialogue(block))
            {
                string file = Path.Combine(State, $"out{expectations.Count}");
                script.Append($"LLMSERVE_MODEL= bash -c {Quote(Replace(command))} >{file} </dev/null\n");
                expectations.Add((block, command, expected, file));
            }
        }

        string problem = await ExecuteAsync(script.ToString());
        return problem.Length > 0 ? problem : string.Join('\n', expectations.Where(entry => !Matches(entry.Expected, File.ReadAllText(entry.File)))
            .Select(entry => $"{entry.Block.Place}: {entry.Command} printed\n{File.ReadAllText(entry.File)}where the page says\n{entry.Expected}"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        string server = Path.Combine(State, "server");
        if (File.Exists(server))
        {
            try
            {
                using var process = Process.GetProcessById(int.Parse(File.ReadAllText(server)));
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
            catch (ArgumentException)
            {
                // It has ended by itself.
            }
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Whether the page calls a server that it does not start itself.</summary>
    private static bool NeedsServer(IEnumerable<DocBlock> blocks) =>
        blocks.SelectMany(block => block.Commands).FirstOrDefault(command => Regex.IsMatch(command, @"^llmserve (serve|plan|health)\b|--server|\b(curl|python3?|node)\b")) is { } first
        && !first.StartsWith("llmserve serve", StringComparison.Ordinal);

    /// <summary>The block without the commands that are excepted, on ports that are free.</summary>
    private string Runnable(DocBlock block)
    {
        var lines = block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n');
        return Replace(string.Join('\n', lines.Where(line => DocException.For(line.Split(" #")[0].Trim()) is null)));
    }

    private static IEnumerable<(string Command, string Expected)> Dialogue(DocBlock block)
    {
        foreach (string part in ("\n" + block.Text).Split("\n$ ", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = part.Split('\n', 2);
            yield return (lines[0], lines.Length > 1 ? lines[1] : "");
        }
    }

    /// <summary>Whether an output is what the page shows, where … stands for anything.</summary>
    private static bool Matches(string expected, string output) =>
        Regex.IsMatch(output.Trim(), $"^{Regex.Escape(expected.Trim()).Replace("…", ".*", StringComparison.Ordinal)}$", RegexOptions.Singleline);

    private string Replace(string text) => Regex.Replace(text, @"\b(8080|8443|9464)\b", match => Port(match.Value).ToString());

    private int Port(string written)
    {
        if (!_ports.TryGetValue(written, out int port))
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            _ports[written] = port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        return port;
    }

    /// <summary>Files that pages name without making them.</summary>
    private void Prepare()
    {
        foreach (string name in (string[])["a.gguf", "b.gguf", "model.gguf"])
        {
            File.CreateSymbolicLink(Path.Combine(Work, name), QuickModel.Path);
        }

        File.WriteAllText(Path.Combine(Work, "text.txt"), string.Concat(Enumerable.Repeat("The cat sat on the mat and looked at the moon. ", 40)));
    }

    private async Task<string> ExecuteAsync(string script)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = Work, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("LLMSERVE_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["PATH"] = $"{State}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["DOCS_STATE"] = State;
        start.Environment["DOCS_RUNTIME"] = BuiltProgram.Runtime;
        start.Environment["DOCS_PROGRAM"] = BuiltProgram.Path;
        start.Environment["LLMSERVE_MODEL"] = QuickModel.Path;
        start.Environment["LLMSERVE_PORT"] = Port("8080").ToString();
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(AppContext.BaseDirectory, "cache");
        start.Environment["XDG_STATE_HOME"] = State;
        start.Environment["HOME"] = _folder;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return $"{_page}: did not end within {Patience}:\n{Tail(await error)}";
        }

        return process.ExitCode == 0 ? "" : $"{_page}: ended with {process.ExitCode}:\n{Tail(await output)}\n{Tail(await error)}";
    }

    private void WriteProgram(string name, string text)
    {
        string path = Path.Combine(State, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(ShellPage).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Tail(string text) => string.Join('\n', text.Split('\n').TakeLast(30));
}
