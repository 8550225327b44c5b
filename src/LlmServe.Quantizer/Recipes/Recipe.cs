using LlmServe.Gguf;

namespace LlmServe.Quantizer.Recipes;

/// <summary>
/// A choice of formats, tensor by tensor, under a name of the field's: GGML's file types (<c>general.file_type</c>).
/// </summary>
/// <param name="Name">The name on command lines, such as <c>Q4_K_M</c>.</param>
/// <param name="Number">The number in files.</param>
/// <param name="Base">The format of most matrices.</param>
public sealed record Recipe(string Name, int Number, GgmlType Base)
{
    /// <summary>All of them, by number.</summary>
    public static IReadOnlyList<Recipe> All { get; } =
    [
        new("F32", 0, GgmlType.F32), new("F16", 1, GgmlType.F16), new("Q4_0", 2, GgmlType.Q4_0), new("Q4_1", 3, GgmlType.Q4_1), new("Q8_0", 7, GgmlType.Q8_0),
        new("Q5_0", 8, GgmlType.Q5_0), new("Q5_1", 9, GgmlType.Q5_1), new("Q2_K", 10, GgmlType.Q2_K), new("Q3_K_S", 11, GgmlType.Q3_K),
        new("Q3_K_M", 12, GgmlType.Q3_K), new("Q3_K_L", 13, GgmlType.Q3_K), new("Q4_K_S", 14, GgmlType.Q4_K), new("Q4_K_M", 15, GgmlType.Q4_K),
        new("Q5_K_S", 16, GgmlType.Q5_K), new("Q5_K_M", 17, GgmlType.Q5_K), new("Q6_K", 18, GgmlType.Q6_K), new("IQ2_XXS", 19, GgmlType.IQ2_XXS),
        new("IQ2_XS", 20, GgmlType.IQ2_XS), new("Q2_K_S", 21, GgmlType.Q2_K), new("IQ3_XS", 22, GgmlType.IQ3_S), new("IQ3_XXS", 23, GgmlType.IQ3_XXS),
        new("IQ1_S", 24, GgmlType.IQ1_S), new("IQ4_NL", 25, GgmlType.IQ4_NL), new("IQ3_S", 26, GgmlType.IQ3_S), new("IQ3_M", 27, GgmlType.IQ3_S),
        new("IQ2_S", 28, GgmlType.IQ2_XS), new("IQ2_M", 29, GgmlType.IQ2_S), new("IQ4_XS", 30, GgmlType.IQ4_XS), new("IQ1_M", 31, GgmlType.IQ1_M),
        new("BF16", 32, GgmlType.BF16), new("TQ1_0", 36, GgmlType.TQ1_0), new("TQ2_0", 37, GgmlType.TQ2_0), new("MXFP4_MOE", 38, GgmlType.MXFP4), new("MXFP4", 38, GgmlType.MXFP4),
        new("NVFP4", 39, GgmlType.NVFP4), new("Q1_0", 40, GgmlType.Q1_0), new("Q2_0", 41, GgmlType.Q2_0),
    ];

    private static readonly Dictionary<string, string> ShortNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Q3_K"] = "Q3_K_M", ["Q4_K"] = "Q4_K_M", ["Q5_K"] = "Q5_K_M",
    };

    /// <summary>The recipe of a name, upper or lower case; null where there is none. Q3_K, Q4_K and Q5_K mean the medium ones.</summary>
    public static Recipe? Find(string name) =>
        All.FirstOrDefault(recipe => recipe.Name.Equals(ShortNames.GetValueOrDefault(name, name), StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether all matrices are plain numbers.</summary>
    public bool IsPlain => Base is GgmlType.F32 or GgmlType.F16 or GgmlType.BF16;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
