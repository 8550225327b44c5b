using System.Text.Json;
using LlmServe.Execution;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>A case of <c>golden/bits.json</c>: the digest that a second implementation of the numerics gave.</summary>
public sealed record GoldenBits(string Model, int[] Ids, ActivationMode Activations, KvElement Kv, int Rows, int Columns, string Sha256, float[] LastRowFirst8)
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<GoldenBits> All { get; } = Load();

    /// <summary>Cases of the models of less than 2 MB.</summary>
    public static IEnumerable<GoldenBits> Small => All.Where(g => !g.IsEmbedded);

    /// <summary>What test names show: <c>llama-Q4_0 int8 f16</c>.</summary>
    public string Name => $"{System.IO.Path.GetFileNameWithoutExtension(Model)} {Activations} {Kv}".ToLowerInvariant();

    /// <summary>Whether this is the embedded model, which takes seconds rather than milliseconds.</summary>
    public bool IsEmbedded => Model.StartsWith("models/", StringComparison.Ordinal);

    /// <summary>The model's file.</summary>
    public string Path => IsEmbedded ? System.IO.Path.Combine(TestData.RepositoryRoot, Model) : TestData.Local("golden", Model);

    /// <summary>The case of that <see cref="Name"/>.</summary>
    public static GoldenBits Named(string name) => All.Single(g => g.Name == name);

    private static GoldenBits[] Load()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "bits.json")));
        return [.. document.RootElement.EnumerateArray().Select(e => new GoldenBits(
            e.GetProperty("model").GetString()!,
            [.. e.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())],
            Enum.Parse<ActivationMode>(e.GetProperty("activations").GetString()!, true),
            Enum.Parse<KvElement>(e.GetProperty("kv").GetString()!, true),
            e.GetProperty("rows").GetInt32(),
            e.GetProperty("columns").GetInt32(),
            e.GetProperty("sha256").GetString()!,
            [.. e.GetProperty("last_row_first8").EnumerateArray().Select(v => v.GetSingle())]))];
    }
}
