using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Quantizer.Recipes;

/// <summary>
/// Chooses the format of every tensor as GGML's own quantizer does for the same recipe: first embedding and output, then by the role of a matrix and its place among its
/// like, then by what its number of columns allows. Rules of the caller's go before it.
/// </summary>
public sealed class FormatChoice
{
    private readonly Recipe _recipe;
    private readonly IReadOnlyList<TensorRule> _rules;
    private readonly bool _isPure;
    private readonly bool _hasImportance;
    private readonly ModelFacts _model;
    private readonly bool _hasOutput;
    private readonly int _valueCount;
    private readonly Dictionary<TensorRole, int> _seen = [];

    private FormatChoice(GgufFile file, Recipe recipe, FormatOptions options)
    {
        _recipe = recipe;
        _rules = options.Rules;
        _isPure = options.IsPure;
        _hasImportance = options.HasImportance;
        _model = ModelFacts.Of(file.Metadata);
        _hasOutput = file.TryGetTensor("output.weight", out _);
        _valueCount = file.Tensors.Count(tensor => TensorNames.RoleOf(tensor.Name) == TensorRole.Value);
    }

    /// <summary>The format of every tensor, in the order of the file.</summary>
    /// <exception cref="QuantizerException">A tensor can have no format that the recipe allows.</exception>
    public static IReadOnlyList<TensorFormat> Of(GgufFile file, Recipe recipe, FormatOptions options)
    {
        var choice = new FormatChoice(file, recipe, options);
        var formats = new Dictionary<string, BlockFormat>();
        foreach (var tensor in file.Tensors.OrderBy(tensor => TensorNames.LayerOf(tensor.Name)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            formats[tensor.Name] = choice.Of(file, tensor);
        }

        return [.. file.Tensors.Select(tensor => new TensorFormat(tensor, formats[tensor.Name]))];
    }

    private BlockFormat Of(GgufFile file, GgufTensor tensor)
    {
        if (TensorNames.IsKept(tensor.Name, tensor.Dimensions.Length))
        {
            return tensor.Format;
        }

        var ruled = _rules.LastOrDefault(rule => rule.Matches(tensor.Name))?.Format.Type;
        var type = ruled ?? (_recipe.IsPlain || _isPure ? _recipe.Base : Choose(tensor));
        if (BlockFormat.Get(type) is { } format && tensor.Columns % format.BlockSize == 0)
        {
            return format;
        }

        return Substitute(type) is { } other && tensor.Columns % BlockFormat.Get(other).BlockSize == 0 ? BlockFormat.Get(other)
            : type != GgmlType.Q1_0 ? BlockFormat.Get(GgmlType.F16)
            : throw new QuantizerException(
                $"{file.Path}: tensor '{tensor.Name}' has rows of {tensor.Columns} weights, no multiple of the 128 of a block of Q1_0, which has no substitute; choose another format for it");
    }

    /// <summary>What a matrix becomes whose rows are no whole blocks.</summary>
    private static GgmlType? Substitute(GgmlType type) => type switch
    {
        GgmlType.IQ1_S or GgmlType.IQ1_M or GgmlType.IQ2_XXS or GgmlType.IQ2_XS or GgmlType.IQ2_S or GgmlType.IQ3_XXS or GgmlType.IQ3_S or GgmlType.IQ4_XS =>
            GgmlType.IQ4_NL,
        GgmlType.Q2_K or GgmlType.Q3_K or GgmlType.TQ1_0 or GgmlType.TQ2_0 or GgmlType.Q2_0 => GgmlType.Q4_0,
        GgmlType.Q4_K => GgmlType.Q5_0,
        GgmlType.Q5_K => GgmlType.Q5_1,
        GgmlType.Q6_K => GgmlType.Q8_0,
        _ => null,
    };

    private GgmlType Choose(GgufTensor tensor)
    {
        var role = TensorNames.RoleOf(tensor.Name);
        int before = _seen.GetValueOrDefault(role);
        _seen[role] = before + 1;
        if (role == TensorRole.Output || (role == TensorRole.Embedding && !_hasOutput))
        {
            return OfOutput(tensor);
        }

        if (_recipe.Name == "MXFP4_MOE")
        {
            return tensor.Dimensions.Length > 2 ? GgmlType.MXFP4 : GgmlType.Q8_0;
        }

        // Experts of a layer may be several tensors: the layer's number counts, but for what low-bit recipes do with the last projection.
        bool byLayer = _model.Experts > 1 && (role is TensorRole.Up or TensorRole.Gate || (role == TensorRole.Down && !IsLowBit));
        int place = byLayer ? Math.Max(0, TensorNames.LayerOf(tensor.Name)) : before;
        return role switch
        {
            TensorRole.Embedding => OfEmbedding(),
            TensorRole.Value => OfValue(place),
            TensorRole.Key or TensorRole.Query => OfKey(role),
            TensorRole.AttentionOutput => OfAttentionOutput(),
            TensorRole.Down => OfDown(place),
            TensorRole.Up or TensorRole.Gate when _recipe.Name == "IQ3_XS" && place >= _model.Layers / 8 && place < 7 * _model.Layers / 8 => GgmlType.IQ3_XXS,
            _ => _recipe.Base,
        };
    }

    /// <summary>Recipes of about two bits and less, which spend more on what matters most.</summary>
    private bool IsLowBit => _recipe.Name is "IQ1_S" or "IQ1_M" or "IQ2_XXS" or "IQ2_XS" or "IQ2_S" or "IQ2_M";

    private bool HasEightExperts => _model.Experts == 8;

    private GgmlType OfOutput(GgufTensor tensor)
    {
        if (_recipe.Name == "MXFP4_MOE" || _model.Architecture == "falcon" || tensor.Columns % BlockFormat.Get(_recipe.Base).BlockSize != 0)
        {
            return GgmlType.Q8_0;
        }

        return IsLowBit || _recipe.Name == "IQ3_XXS" ? GgmlType.Q5_K : _recipe.Base == GgmlType.Q8_0 ? GgmlType.Q8_0 : GgmlType.Q6_K;
    }

    private GgmlType OfEmbedding() => _recipe.Name switch
    {
        "IQ3_XXS" or "IQ2_S" or "IQ2_M" => GgmlType.IQ3_S,
        "IQ2_XXS" or "IQ2_XS" or "IQ1_S" or "IQ1_M" => GgmlType.Q2_K,
        "TQ1_0" or "TQ2_0" or "Q2_0" => GgmlType.Q4_K,
        _ => _recipe.Base,
    };

    private GgmlType OfValue(int place)
    {
        if (IsLowBit)
        {
            return _model.SharesKeys || _model.Experts >= 4 ? GgmlType.Q4_K : _recipe.Name is "IQ2_S" or "IQ2_M" ? GgmlType.IQ3_S : GgmlType.Q2_K;
        }

        if (HasEightExperts)
        {
            return GgmlType.Q8_0;
        }

        var type = _recipe.Name switch
        {
            "Q2_K" => _model.SharesKeys ? GgmlType.Q4_K : GgmlType.Q3_K,
            "Q2_K_S" or "IQ3_XS" or "IQ3_S" when _model.SharesKeys => GgmlType.Q4_K,
            "Q3_K_M" => place < 2 ? GgmlType.Q5_K : GgmlType.Q4_K,
            "Q3_K_L" => GgmlType.Q5_K,
            "Q4_K_S" when place < 4 => GgmlType.Q5_K,
            "Q4_K_M" or "Q5_K_M" when DeservesMore(place, _valueCount) => GgmlType.Q6_K,
            "IQ4_NL" or "IQ4_XS" when _model.SharesKeys => GgmlType.Q5_K,
            "IQ3_XXS" => _model.SharesKeys ? GgmlType.Q4_K : _hasImportance ? GgmlType.IQ3_XXS : GgmlType.IQ3_S,
            "IQ3_M" => GgmlType.Q4_K,
            _ => _recipe.Base,
        };
        return _model.IsSeventyBillion && type is GgmlType.Q3_K or GgmlType.Q4_K ? GgmlType.Q5_K : type;
    }

    private GgmlType OfKey(TensorRole role)
    {
        if (HasEightExperts && role == TensorRole.Key)
        {
            return IsLowBit ? GgmlType.Q4_K : GgmlType.Q8_0;
        }

        return _recipe.Name switch { "IQ3_XXS" => GgmlType.IQ2_S, "IQ3_XS" => GgmlType.IQ3_XXS, _ => _recipe.Base };
    }

    private GgmlType OfAttentionOutput()
    {
        if (_model.Architecture == "falcon" && !IsLowBit)
        {
            return _recipe.Name == "Q3_K_L" ? GgmlType.Q4_K : _recipe.Base;
        }

        if (HasEightExperts)
        {
            return IsLowBit || _recipe.Name is "Q2_K" or "Q3_K_S" or "Q3_K_M" or "Q4_K_S" or "Q4_K_M" or "IQ3_XXS" or "IQ3_XS" or "IQ3_S" or "IQ3_M" or "IQ4_NL" or "IQ4_XS"
                ? GgmlType.Q5_K
                : _recipe.Base;
        }

        return _recipe.Name switch
        {
            "Q2_K" => GgmlType.Q3_K,
            "Q3_K_M" or "IQ3_M" => GgmlType.Q4_K,
            "Q3_K_L" => GgmlType.Q5_K,
            "IQ3_XXS" or "IQ2_S" or "IQ2_M" => GgmlType.IQ3_S,
            "IQ1_S" or "IQ1_M" => GgmlType.IQ2_XXS,
            _ => _recipe.Base,
        };
    }

    private GgmlType OfDown(int place)
    {
        int layers = _model.Layers;
        bool isFirst = place < layers / 8, more = DeservesMore(place, layers);
        if (_model.Architecture == "falcon")
        {
            switch (_recipe.Name)
            {
                case "Q3_K_M": return place < layers / 16 ? GgmlType.Q5_K : more ? GgmlType.Q4_K : GgmlType.Q3_K;
                case "Q3_K_L": return GgmlType.Q4_K;
                case "Q4_K_M": return place < layers / 16 ? GgmlType.Q6_K : more ? GgmlType.Q5_K : GgmlType.Q4_K;
                case "Q4_K_S": return _recipe.Base;
            }
        }

        return _recipe.Name switch
        {
            "Q4_0" when isFirst && _hasImportance => GgmlType.Q4_1,
            "Q5_0" when isFirst && _hasImportance => GgmlType.Q5_1,
            "Q2_K" => GgmlType.Q3_K,
            "Q2_K_S" when isFirst => GgmlType.Q4_K,
            "Q3_K_M" => place < layers / 16 ? GgmlType.Q5_K : GgmlType.Q4_K,
            "Q3_K_L" => GgmlType.Q5_K,
            "Q4_K_S" when isFirst => GgmlType.Q5_K,
            "Q4_K_M" or "Q5_K_M" when more => GgmlType.Q6_K,
            "IQ4_NL" or "IQ4_XS" when isFirst && !_hasImportance => GgmlType.Q5_K,
            "IQ3_XXS" when !_hasImportance => isFirst ? GgmlType.Q4_K : GgmlType.Q3_K,
            "IQ3_M" when isFirst || (HasEightExperts && more) => GgmlType.Q4_K,
            "IQ2_S" or "IQ2_M" when isFirst => GgmlType.IQ3_S,
            "IQ2_XXS" or "IQ2_XS" or "IQ1_S" or "IQ1_M" when isFirst => GgmlType.Q2_K,
            _ => _recipe.Base,
        };
    }

    /// <summary>The first and the last eighth, and every third in between.</summary>
    private static bool DeservesMore(int place, int count) => place < count / 8 || place >= 7 * count / 8 || (place - (count / 8)) % 3 == 2;
}
