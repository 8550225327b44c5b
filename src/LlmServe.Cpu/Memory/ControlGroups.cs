namespace LlmServe.Cpu.Memory;

/// <summary>Finds the control groups that this process is in, and those around them: each may limit it.</summary>
internal static class ControlGroups
{
    /// <summary>Folders of the memory controller, of both versions of the interface, from the process's own group outwards.</summary>
    /// <param name="root">Where <c>proc</c> and <c>sys</c> are.</param>
    public static IEnumerable<string> MemoryFolders(string root)
    {
        string[] memberships = (MachineMemory.ReadText(Path.Combine(root, "proc/self/cgroup")) ?? "").Split('\n');
        foreach (string line in (MachineMemory.ReadText(Path.Combine(root, "proc/self/mountinfo")) ?? "").Split('\n'))
        {
            if (MountOf(line) is { } mount && GroupOf(memberships, mount.IsUnified) is { } group)
            {
                foreach (string folder in Upwards(root, mount.Folder, Below(mount.Root, group)))
                {
                    yield return folder;
                }
            }
        }
    }

    /// <summary>A mount of a hierarchy with a memory controller. A line is "id parent device root folder options - type source options".</summary>
    private static (string Root, string Folder, bool IsUnified)? MountOf(string line)
    {
        string[] words = line.Split(' ');
        int dash = Array.IndexOf(words, "-");
        if (dash < 6 || dash + 3 >= words.Length)
        {
            return null;
        }

        bool isUnified = words[dash + 1] == "cgroup2";
        bool isMemory = words[dash + 1] == "cgroup" && words[dash + 3].Split(',').Contains("memory");
        return isUnified || isMemory ? (words[3], words[4], isUnified) : null;
    }

    /// <summary>The process's group in a hierarchy. A line is "number:controllers:group"; the unified hierarchy has number 0 and names no controllers.</summary>
    private static string? GroupOf(string[] memberships, bool isUnified)
    {
        foreach (string line in memberships)
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length == 3 && (isUnified ? parts[0] == "0" && parts[1].Length == 0 : parts[1].Split(',').Contains("memory")))
            {
                return parts[2];
            }
        }

        return null;
    }

    /// <summary>The group's path below a mount. Inside a container the mount's root is the container's group, which then is what the process sees of the hierarchy.</summary>
    private static string Below(string mountRoot, string group)
    {
        string root = mountRoot.TrimEnd('/');
        return group.StartsWith(root + "/", StringComparison.Ordinal) ? group[root.Length..] : "/";
    }

    private static IEnumerable<string> Upwards(string root, string mount, string group)
    {
        string top = Path.Combine(root, mount.TrimStart('/'));
        for (string below = group.Trim('/'); below.Length > 0; below = Path.GetDirectoryName(below) ?? "")
        {
            yield return Path.Combine(top, below);
        }

        yield return top;
    }
}
