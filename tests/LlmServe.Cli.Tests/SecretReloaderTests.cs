using LlmServe.Cli.Serve;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public sealed class SecretReloaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void HaveChanged_OfContentsAndLinks_SeesEachChangeOnce()
    {
        string first = _folder.Write("first.json", "one");
        string second = _folder.Write("second.json", "two");
        string link = _folder.File("link.json");
        File.CreateSymbolicLink(link, first);
        var files = new SecretFiles([link, null], [_folder.File("absent")], () => throw new NotSupportedException());
        files.Remember();
        Assert.False(files.HaveChanged());

        File.WriteAllText(first, "three");
        Assert.True(files.HaveChanged());
        Assert.False(files.HaveChanged());
        File.Delete(link);
        File.CreateSymbolicLink(link, second);
        Assert.True(files.HaveChanged());
        File.Delete(link);
        Assert.True(files.HaveChanged());
        Assert.False(files.HaveChanged());
    }

    [SkippableFact]
    public void ReadableByAll_OfSecretFiles_NamesThoseThatAre()
    {
        Skip.If(OperatingSystem.IsWindows(), "no such modes");
        string open = _folder.Write("open.json", "{}");
        string closed = _folder.Write("closed.json", "{}");
        string certificate = _folder.Write("server.pem", "");
        foreach (var (path, mode) in ((string, int)[])[(open, 0b110_100_100), (closed, 0b110_000_000), (certificate, 0b110_100_100)])
        {
#pragma warning disable CA1416 // skipped on Windows
            File.SetUnixFileMode(path, (UnixFileMode)mode);
#pragma warning restore CA1416
        }

        Assert.Equal([open], new SecretFiles([open, closed], [certificate], () => throw new NotSupportedException()).ReadableByAll());
    }
}
