using System.Runtime.InteropServices;
using LlmServe.Cli.App;
using LlmServe.Server;
using LlmServe.Serving;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Serve;

/// <summary>Takes over changed API keys and certificates while the server runs: at once after SIGHUP, else when their files have changed.</summary>
internal sealed partial class SecretReloader : IDisposable
{
    /// <summary>How often the files are looked at.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly HostedServer _server;
    private readonly SecretFiles _files;
    private readonly ILogger _logger;
    private readonly Timer _timer;
    private readonly PosixSignalRegistration? _signal;

    /// <param name="server">What takes them over.</param>
    /// <param name="files">Where they stand.</param>
    /// <param name="logger">Says what was taken over, or why not.</param>
    public SecretReloader(HostedServer server, SecretFiles files, ILogger logger)
    {
        _server = server;
        _files = files;
        _logger = logger;
        files.Remember();
        _timer = new Timer(_ => ReloadIfChanged(), null, Interval, Interval);
        _signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Reload();
        });
    }

    /// <summary>Warns of files that everybody on the machine can read.</summary>
    public void WarnOfReaders()
    {
        foreach (string path in _files.ReadableByAll())
        {
            ReadableByAll(_logger, path);
        }
    }

    /// <summary>Takes over what the files say if it is something else than before.</summary>
    public void ReloadIfChanged()
    {
        lock (_lock)
        {
            if (_files.HaveChanged())
            {
                Reload();
            }
        }
    }

    /// <summary>Takes over what the files say. If something is wrong with it, all stays as it was.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            try
            {
                var secrets = _files.Read();
                _server.ReplaceKeys(secrets.Keys);
                if (secrets.Certificate is { } certificate)
                {
                    _server.ReplaceCertificate(certificate);
                }
            }
            catch (Exception error) when (error is CliException or OptionException or IOException or InvalidOperationException)
            {
                NotReloaded(_logger, error.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signal?.Dispose();
        _timer.Dispose();
    }

    [LoggerMessage(30, LogLevel.Warning, "{File} can be read by everybody on this machine; chmod 600 keeps keys to their owner")]
    private static partial void ReadableByAll(ILogger logger, string file);

    [LoggerMessage(31, LogLevel.Error, "Keys and certificate stay as they were: {Problem}")]
    private static partial void NotReloaded(ILogger logger, string problem);
}
