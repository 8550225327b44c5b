using System.Globalization;

namespace LlmServe.Cpu.Memory;

/// <summary>
/// The memory that this process may use: the machine's, or less where control groups (containers, services) allow less.
/// Source: Linux, <c>Documentation/admin-guide/cgroup-v2.rst</c> and <c>cgroup-v1/memory.rst</c>, <c>proc(5)</c>.
/// </summary>
/// <param name="Total">Bytes that there are.</param>
/// <param name="Available">Bytes that nobody uses, or that hold what can be read again from files.</param>
/// <param name="Owner">Who sets the total, for messages: "this machine" or "this container".</param>
internal sealed record MachineMemory(long Total, long Available, string Owner)
{
    private const string Machine = "this machine", Container = "this container (its control group)";

    /// <summary>Reads what the system says.</summary>
    /// <param name="root">Where <c>proc</c> and <c>sys</c> are.</param>
    public static MachineMemory Read(string root = "/")
    {
        if (ReadMachine(root) is not { } memory)
        {
            var collector = GC.GetGCMemoryInfo();
            return new MachineMemory(
                collector.TotalAvailableMemoryBytes, Math.Max(0, collector.TotalAvailableMemoryBytes - collector.MemoryLoadBytes), Machine);
        }

        foreach (string group in ControlGroups.MemoryFolders(root))
        {
            memory = memory.Within(group);
        }

        return memory;
    }

    private static MachineMemory? ReadMachine(string root)
    {
        var numbers = ReadTable(Path.Combine(root, "proc", "meminfo"));
        return numbers.TryGetValue("MemTotal:", out long total) && numbers.TryGetValue("MemAvailable:", out long available)
            ? new MachineMemory(total << 10, available << 10, Machine)
            : null;
    }

    /// <summary>What is left of it within a control group, of either version of the interface.</summary>
    private MachineMemory Within(string group)
    {
        long limit = Math.Min(
            Math.Min(ReadNumber(group, "memory.max"), ReadNumber(group, "memory.high")), ReadNumber(group, "memory.limit_in_bytes"));
        if (limit == long.MaxValue)
        {
            return this;
        }

        long used = Math.Min(ReadNumber(group, "memory.current"), ReadNumber(group, "memory.usage_in_bytes"));
        var statistics = ReadTable(Path.Combine(group, "memory.stat"));
        long files = statistics.GetValueOrDefault("total_inactive_file", statistics.GetValueOrDefault("inactive_file"))
            + statistics.GetValueOrDefault("total_active_file", statistics.GetValueOrDefault("active_file"));
        long left = used == long.MaxValue ? limit : Math.Clamp(limit - used + files, 0, limit);
        return new MachineMemory(Math.Min(Total, limit), Math.Min(Available, left), limit < Total ? Container : Owner);
    }

    /// <summary>The number in a file; the largest one where it says <c>max</c>, or where there is no such file.</summary>
    private static long ReadNumber(string folder, string name) =>
        ReadText(Path.Combine(folder, name)) is { } text && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : long.MaxValue;

    /// <summary>Lines of a name and a number.</summary>
    private static Dictionary<string, long> ReadTable(string path)
    {
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string line in (ReadText(path) ?? "").Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                numbers[words[0]] = number;
            }
        }

        return numbers;
    }

    /// <summary>A file of the system, or null where it cannot be read.</summary>
    internal static string? ReadText(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
