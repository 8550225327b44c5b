using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Weights;

/// <summary>Folders in which repacked weights are found and kept. Whatever goes wrong with them, loading goes on without.</summary>
internal sealed class RepackCache(RepackCacheOptions options, PackedSource source, int threads, IProgress<LoadProgress>? progress)
{
    /// <summary>How names of the cache's files end.</summary>
    public const string Suffix = ".llmserve-repack";

    /// <summary>How names of unfinished files end.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Unfinished files of programs that were ended are deleted at this age; nobody writes for so long.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(6);

    private string FileName => $"{source.Key:x32}{Suffix}";

    /// <summary>Fills <paramref name="target"/> from the first folder that has the weights.</summary>
    public bool TryRead(NativeBuffer target)
    {
        foreach (string folder in options.Folders)
        {
            string path = Path.Combine(folder, FileName);
            try
            {
                if (RepackedFile.TryRead(path, source, target, threads, Report("reading repacked weights"), out string? problem))
                {
                    return true;
                }

                if (problem is not null)
                {
                    options.Note?.Invoke($"{path} {problem}; the weights are repacked anew");
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                options.Note?.Invoke($"{path} cannot be read, so the weights are repacked: {error.Message}");
            }
        }

        return false;
    }

    /// <summary>Keeps <paramref name="data"/> in the first folder that takes it.</summary>
    public void Write(NativeBuffer data)
    {
        string? problem = null;
        foreach (string folder in options.Folders)
        {
            try
            {
                if (RepackedHeader.PageBytes + data.Length > options.MostBytes)
                {
                    problem = $"they take {data.Length + RepackedHeader.PageBytes} bytes, and the cache may take {options.MostBytes}";
                    break;
                }

                Directory.CreateDirectory(folder);
                string path = Path.Combine(folder, FileName);
                RepackedFile.Write(path, source, data, threads, Report("keeping repacked weights"));
                TryTrim(folder, path);
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                problem = error.Message;
            }
        }

        if (problem is not null)
        {
            options.Note?.Invoke($"the repacked weights are not kept for the next start: {problem}");
        }
    }

    private void TryTrim(string folder, string newest)
    {
        try
        {
            Trim(folder, newest);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The new file is there all the same.
            options.Note?.Invoke($"{folder} has files that cannot be deleted, and may grow beyond {options.MostBytes} bytes: {error.Message}");
        }
    }

    /// <summary>Deletes what was used longest ago until the rest fits, and what was never finished.</summary>
    private void Trim(string folder, string newest)
    {
        long left = options.MostBytes;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles($"*{Suffix}").OrderByDescending(f => f.FullName == Path.GetFullPath(newest)).ThenByDescending(f => f.LastWriteTimeUtc))
        {
            left -= file.Length;
            if (left < 0)
            {
                file.Delete();
            }
        }

        foreach (var file in new DirectoryInfo(folder).EnumerateFiles($"*{Suffix}.*{TemporarySuffix}").Where(f => DateTime.UtcNow - f.LastWriteTimeUtc > Abandoned))
        {
            file.Delete();
        }
    }

    private Action<double>? Report(string step) => progress is null ? null : share => progress.Report(new LoadProgress(step, share));
}
