using System.Security.Cryptography;

namespace LlmServe.Cli.Serve;

/// <summary>The files that keys and certificates stand in.</summary>
/// <param name="secret">Those that nobody else should read; null where there is none.</param>
/// <param name="others">The others; null where there is none.</param>
/// <param name="read">Reads all of it again.</param>
internal sealed class SecretFiles(string?[] secret, string?[] others, Func<Secrets> read)
{
    private readonly string[] _secret = [.. secret.OfType<string>()];
    private readonly string[] _paths = [.. secret.Concat(others).OfType<string>()];
    private string _digest = "";

    /// <summary>Remembers what the files hold now.</summary>
    public void Remember() => _digest = Digest();

    /// <summary>Whether the files hold something else than when they were remembered; remembers it. The contents count: links and times say too little.</summary>
    public bool HaveChanged()
    {
        string digest = Digest();
        (bool changed, _digest) = (digest != _digest, digest);
        return changed;
    }

    /// <summary>Reads keys and certificate again.</summary>
    /// <exception cref="Exception">They are wrong, as at the start.</exception>
    public Secrets Read() => read();

    /// <summary>The secret files that everybody on this machine can read.</summary>
    public IEnumerable<string> ReadableByAll() => _secret.Where(IsReadableByAll);

    private static bool IsReadableByAll(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0;

    /// <summary>A pipe is empty for this purpose: whoever reads the settings has read it, and it cannot be read again.</summary>
    private static byte[] Content(string path) =>
        new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path).Length > 0 ? File.ReadAllBytes(path) : [];

    private string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in _paths)
        {
            try
            {
                hash.AppendData(Content(path));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                hash.AppendData([0]);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
