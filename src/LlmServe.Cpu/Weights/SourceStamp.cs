using System.IO.Hashing;
using System.Text;

namespace LlmServe.Cpu.Weights;

/// <summary>
/// What the file system says of a model's files: paths, lengths, times of change and birth. While it stays as it was, the weights need not be read to know
/// that they are the same.
/// </summary>
internal static class SourceStamp
{
    /// <summary>A file that changed so recently may change again without its time moving on.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <summary>The stamp, or 0 where there is none to rely on.</summary>
    public static UInt128 Of(IReadOnlyList<string> paths)
    {
        var text = new StringBuilder();
        var now = DateTime.UtcNow;
        foreach (string path in paths)
        {
            var file = new FileInfo(path);
            if (!file.Exists || (now - file.LastWriteTimeUtc).Duration() < Settled)
            {
                return UInt128.Zero;
            }

            text.Append(file.FullName).Append('\0').Append(file.Length).Append(' ').Append(file.LastWriteTimeUtc.Ticks).Append(' ').Append(file.CreationTimeUtc.Ticks).Append('\0');
        }

        return XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
