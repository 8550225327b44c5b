using System.Runtime.InteropServices;

namespace LlmServe.Cli.Bench;

/// <summary>What a figure was measured on.</summary>
/// <param name="Cpu">The processor's own name.</param>
/// <param name="Cores">Processors that the runtime may use.</param>
/// <param name="Features">Vector extensions that matter here.</param>
/// <param name="Runtime">The .NET version.</param>
/// <param name="System">The operating system.</param>
internal sealed record MachineInfo(string Cpu, int Cores, string Features, string Runtime, string System)
{
    // Linux's names; those of x86 first.
    private static readonly string[] FeaturesThatMatter =
        ["avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vbmi", "avx512_vnni", "amx_int8", "asimd", "asimddp", "i8mm", "sve"];

    /// <summary>This machine.</summary>
    public static MachineInfo Current()
    {
        const string Path = "/proc/cpuinfo";
        var (cpu, features) = ReadCpu(File.Exists(Path) ? File.ReadAllLines(Path) : []);
        return new MachineInfo(cpu, Environment.ProcessorCount, features, RuntimeInformation.FrameworkDescription, RuntimeInformation.OSDescription);
    }

    /// <summary>Name and features of the first processor listed in <c>/proc/cpuinfo</c>.</summary>
    public static (string Cpu, string Features) ReadCpu(IReadOnlyList<string> lines)
    {
        string? Value(params string[] keys) => lines
            .Select(line => line.Split(':', 2))
            .FirstOrDefault(parts => parts.Length == 2 && keys.Contains(parts[0].Trim()))?[1].Trim();
        string name = Value("model name", "Model") ?? $"unknown {RuntimeInformation.ProcessArchitecture}";

        // A hypervisor may hide the model's name; family and model number still tell Zen 3 from Zen 4.
        string numbers = Value("cpu family") is { } family && Value("model") is { } model ? $" (family {family}, model {model})" : "";
        string[] flags = (Value("flags", "Features") ?? "").Split(' ');
        return (name + numbers, string.Join(' ', FeaturesThatMatter.Where(flags.Contains)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Cpu}, {Cores} cores, {(Features.Length == 0 ? "no known vector extensions" : Features)}, {Runtime}, {System}";
}
