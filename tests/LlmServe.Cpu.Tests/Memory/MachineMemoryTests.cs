using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Tests.Memory;

/// <summary>What a process may use, read from systems that are written into a folder.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private const long MiB = 1 << 20;
    private const string Unlimited = "9223372036854771712";

    private readonly string _root = Directory.CreateTempSubdirectory("llmserve-system-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Read_NoControlGroups_IsTheMachines()
    {
        WriteMachine(8192, 5000);
        Assert.Equal(new MachineMemory(8192 * MiB, 5000 * MiB, "this machine"), MachineMemory.Read(_root));
    }

    [Fact]
    public void Read_UnifiedGroup_IsItsLimitWithoutWhatFilesCanGiveBack()
    {
        WriteMachine(8192, 5000);
        Write("proc/self/cgroup", "0::/service/server\n");
        Write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
        WriteGroup("sys/fs/cgroup/service/server", ("memory.max", $"{1024 * MiB}"), ("memory.high", "max"), ("memory.current", $"{300 * MiB}"),
            ("memory.stat", $"anon {100 * MiB}\ninactive_file {50 * MiB}\nactive_file {20 * MiB}\n"));

        Assert.Equal(new MachineMemory(1024 * MiB, (1024 - 300 + 70) * MiB, "this container (its control group)"), MachineMemory.Read(_root));
    }

    [Fact]
    public void Read_NestedUnifiedGroups_TakesTheTightest()
    {
        WriteMachine(8192, 5000);
        Write("proc/self/cgroup", "0::/service/server\n");
        Write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        WriteGroup("sys/fs/cgroup/service/server", ("memory.max", "max"), ("memory.high", $"{2048 * MiB}"), ("memory.current", $"{100 * MiB}"));
        WriteGroup("sys/fs/cgroup/service", ("memory.max", $"{4096 * MiB}"), ("memory.current", $"{3900 * MiB}"));

        var memory = MachineMemory.Read(_root);
        Assert.Equal((2048 * MiB, 196 * MiB), (memory.Total, memory.Available));
    }

    [Theory]
    [InlineData("/docker/abc", "/docker/abc", "sys/fs/cgroup/memory")]
    [InlineData("/docker/abc", "/", "sys/fs/cgroup/memory/docker/abc")]
    [InlineData("/", "/docker/abc", "sys/fs/cgroup/memory")]
    public void Read_FirstVersion_FindsTheGroupInsideAndOutsideOfContainers(string group, string mountRoot, string folder)
    {
        WriteMachine(8192, 5000);
        Write("proc/self/cgroup", $"9:name=systemd:/\n4:cpu,memory:{group}\n0::/\n");
        Write("proc/self/mountinfo", $"35 31 0:32 {mountRoot} /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        WriteGroup("sys/fs/cgroup/memory", ("memory.limit_in_bytes", Unlimited), ("memory.usage_in_bytes", $"{6000 * MiB}"));
        WriteGroup(folder, ("memory.limit_in_bytes", $"{512 * MiB}"), ("memory.usage_in_bytes", $"{500 * MiB}"),
            ("memory.stat", $"inactive_file 1\ntotal_inactive_file {200 * MiB}\ntotal_active_file {50 * MiB}\n"));

        var memory = MachineMemory.Read(_root);
        Assert.Equal((512 * MiB, 262 * MiB), (memory.Total, memory.Available));
        Assert.Contains("container", memory.Owner, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_GroupsWithoutLimit_ChangeNothing()
    {
        WriteMachine(8192, 5000);
        Write("proc/self/cgroup", "4:memory:/a\n0::/\n");
        Write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\nnonsense\n\n");
        WriteGroup("sys/fs/cgroup/memory/a", ("memory.limit_in_bytes", Unlimited), ("memory.usage_in_bytes", "7"));
        Assert.Equal(new MachineMemory(8192 * MiB, 5000 * MiB, "this machine"), MachineMemory.Read(_root));
    }

    [Fact]
    public void Read_NothingThere_AsksTheRuntime() => Assert.InRange(MachineMemory.Read(_root).Total, 1, long.MaxValue);

    [Fact]
    public void Read_ThisMachine_IsPlausible()
    {
        var memory = MachineMemory.Read();
        Assert.InRange(memory.Total, 256 * MiB, 1L << 50);
        Assert.InRange(memory.Available, 0, memory.Total);
    }

    private void WriteMachine(long totalMiB, long availableMiB) =>
        Write("proc/meminfo", $"MemTotal:       {totalMiB << 10} kB\nMemFree:        1 kB\nMemAvailable:   {availableMiB << 10} kB\n");

    private void WriteGroup(string folder, params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files)
        {
            Write($"{folder}/{name}", name == "memory.stat" ? text : text + "\n");
        }
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
