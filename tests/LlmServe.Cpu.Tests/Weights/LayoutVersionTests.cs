using System.IO.Hashing;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Tests.Weights;

/// <summary>Kept weights outlive the program that made them, so their layout cannot change unnoticed.</summary>
public class LayoutVersionTests
{
    /// <summary>XXH64 of the golden models' repacked weights, at <see cref="KernelTable.LayoutVersion"/> 1.</summary>
    private static readonly Dictionary<string, string> Digests = new()
    {
        ["llama-iq4_nl"] = "4f320175ec7fe6f8",
        ["llama-iq4_xs"] = "7a2d261f2bc45248",
        ["llama-q2_k"] = "90007e4a602435f9",
        ["llama-q3_k_m"] = "db14870cfb710cfd",
        ["llama-q4_0"] = "6cc3ce8133bf3bf3",
        ["llama-q4_1"] = "a77a4b2136bbd93c",
        ["llama-q4_k_m"] = "0ac709e5125c72ca",
        ["llama-q4_k_s"] = "12873a62dfa3d161",
        ["llama-q5_0"] = "f0704ca66656f487",
        ["llama-q5_1"] = "1e4c51683fa4ea9e",
        ["llama-q5_k_m"] = "4cd690f8bd7ceafc",
        ["llama-q6_k"] = "166b1c07547cac4a",
        ["llama-q8_0"] = "96b4daa800c55811",
    };

    public static TheoryData<string, CpuIsa> Cases()
    {
        var cases = new TheoryData<string, CpuIsa>();
        foreach (var golden in GoldenBits.Small.Where(g => g.Model.StartsWith("quantized/", StringComparison.Ordinal) && g.Activations == ActivationMode.Int8))
        {
            cases.Add(golden.Name, CpuIsa.Avx2);
            cases.Add(golden.Name, CpuIsa.Avx512);
            cases.Add(golden.Name, CpuIsa.Neon);
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public unsafe void Pack_GoldenModel_GivesTheKnownLayout(string name, CpuIsa isa)
    {
        LoadedModel.RequireVectors();
        using var file = GgufFile.Open(GoldenBits.Named(name).Path);
        var compiled = CpuBackend.CompileOnly(file, new CpuOptions { Lanes = 1 });

        // Packing takes no instruction that this processor may lack, so every set's layout can be seen everywhere.
        using var weights = new WeightStore(file, compiled, IsaSelector.Create(isa), 1);

        string digest = $"{XxHash64.HashToUInt64(new ReadOnlySpan<byte>(weights.PackedData, checked((int)weights.PackedBytes))):x16}";

        Assert.Equal(1, KernelTable.LayoutVersion);
        Assert.True(Digests.GetValueOrDefault(name.Split(' ')[0]) == digest, $"the layout of {name} has changed to {digest}: raise KernelTable.LayoutVersion, then note the new digests here");
    }
}
