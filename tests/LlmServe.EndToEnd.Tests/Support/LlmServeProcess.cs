using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using LlmServe.Testing;

namespace LlmServe.EndToEnd.Tests.Support;

/// <summary>What a finished process wrote and how it ended.</summary>
internal sealed record ProcessResult(int Code, string Out, string Error);

/// <summary>The built <c>llmserve</c> as a real process, with pipes in place of a terminal.</summary>
internal sealed partial class LlmServeProcess : IDisposable
{
    /// <summary>Long enough for the slowest machine; only a hang reaches it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGTERM, as service managers send it.</summary>
    public const int Terminate = 15;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // The runtime that runs these tests, whatever else the search path holds.
    private static readonly string Runtime = Environment.ProcessPath is { } own && Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet";
    private readonly Process _process;
    private readonly Task<string> _error;

    private LlmServeProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Standard output, for reading while it runs.</summary>
    public StreamReader Out => _process.StandardOutput;

    /// <summary>Standard input.</summary>
    public StreamWriter In => _process.StandardInput;

    /// <summary>Starts <c>llmserve</c> with <paramref name="args"/>.</summary>
    /// <param name="args">Its arguments.</param>
    /// <param name="folder">Working directory; null: a folder outside the repository.</param>
    /// <param name="variables">Changes to the environment; a null value removes one.</param>
    public static LlmServeProcess Start(IEnumerable<string> args, string? folder = null, params (string Name, string? Value)[] variables)
    {
        return Start(Runtime, [BuiltProgram(), .. args], folder, variables);
    }

    /// <summary>Starts <c>llmserve</c> from a POSIX shell, for what only a shell can do to a process.</summary>
    /// <param name="script">What stands around the program, whose name is <c>$llmserve</c>.</param>
    public static LlmServeProcess StartFromShell(string script) => Start("sh", ["-c", script], null, ("llmserve", $"exec {Runtime} {BuiltProgram()}"));

    private static LlmServeProcess Start(string program, IEnumerable<string> args, string? folder, params (string Name, string? Value)[] variables)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Utf8,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (string name in (string[])["LLMSERVE_MODEL", "LLMSERVE_DEBUG", "LLMSERVE_ISA", "LLMSERVE_REPACK_CACHE", "NO_COLOR"])
        {
            start.Environment.Remove(name);
        }

        // The processes share a cache of their own, and leave the user's alone.
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(AppContext.BaseDirectory, "cache");

        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return new LlmServeProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end.</summary>
    /// <param name="input">All of standard input.</param>
    /// <param name="args">Arguments.</param>
    public static async Task<ProcessResult> RunAsync(string input, params string[] args)
    {
        using var process = Start(args);
        await process.WriteInputAsync(input);
        return await process.FinishAsync();
    }

    /// <summary>Writes and closes standard input; a program that has already ended does not read it.</summary>
    public async Task WriteInputAsync(string input)
    {
        try
        {
            await In.WriteAsync(input);
            In.Close();
        }
        catch (IOException) when (_process.HasExited || _process.WaitForExit(Patience))
        {
            return;
        }
    }

    /// <summary>Reads lines of standard output up to the first that contains <paramref name="text"/>.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await Out.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        Assert.Fail($"llmserve ended before it wrote '{text}'. Standard error: {await _error}");
        return "";
    }

    /// <summary>Reads characters of standard output until there are this many, or the program ends.</summary>
    public async Task<string> ReadAsync(int count)
    {
        using var patience = new CancellationTokenSource(Patience);
        char[] buffer = new char[count];
        int read = await Out.ReadBlockAsync(buffer, patience.Token);
        return new string(buffer, 0, read);
    }

    /// <summary>Waits until the program has taken over what Ctrl-C does (Linux only).</summary>
    public async Task WaitUntilItListensAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!_process.HasExited)
        {
            string caught = (await File.ReadAllLinesAsync($"/proc/{_process.Id}/status", patience.Token)).First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            if ((Convert.ToUInt64(caught["SigCgt:".Length..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0)
            {
                return;
            }

            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Sends a signal.</summary>
    public void Send(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Waits for the end and returns the rest of what was written.</summary>
    public async Task<ProcessResult> FinishAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        string output = await Out.ReadToEndAsync(patience.Token);
        await _process.WaitForExitAsync(patience.Token);
        return new ProcessResult(_process.ExitCode, output, await _error);
    }

    /// <summary>Standard error, once the program has closed it.</summary>
    public Task<string> WaitForErrorAsync() => _error.WaitAsync(Patience);

    /// <summary>The exit code, for a test that has closed standard output.</summary>
    public async Task<int> WaitForCodeAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    /// <summary>The program as it was built for these tests, of the same configuration.</summary>
    private static string BuiltProgram()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        string configuration = output.Parent!.Name;
        string path = Path.Combine(TestData.RepositoryRoot, "src", "LlmServe.Cli", "bin", configuration, output.Name, "llmserve.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} was not built", path);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
