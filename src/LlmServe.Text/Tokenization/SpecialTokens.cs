using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>What a family of vocabularies takes for granted where a file says nothing.</summary>
/// <param name="Bos">Beginning of sequence.</param>
/// <param name="Eos">End of sequence.</param>
/// <param name="Unknown">Stands for what no token spells.</param>
/// <param name="AddBos">Whether texts begin with BOS.</param>
internal sealed record SpecialDefaults(int? Bos = null, int? Eos = null, int? Unknown = null, bool AddBos = false);

/// <summary>The tokens with a role, and the rules for adding them.</summary>
internal sealed class SpecialTokens
{
    private const string Prefix = "tokenizer.ggml.";

    // Names by which vocabularies mark the end of a turn or of an answer, as GGUF's tools know them.
    private static readonly HashSet<string> EndNames =
    [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<end_of_turn>", "<|endoftext|>", "</s>",
        "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
        "<｜end▁of▁sentence｜>", "[e~[",

        // Padding, repository and file marks end an infilled piece of code.
        "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
    ];

    // Names of infilling marks, which some converters list as ordinary or user-defined tokens.
    private static readonly HashSet<string> ControlNames =
    [
        "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>",
        "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>",
        "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>",
    ];

    private static readonly int LongestName = EndNames.Concat(ControlNames).Max(System.Text.Encoding.UTF8.GetByteCount);

    private readonly Vocabulary _vocabulary;
    private readonly GgufMetadata _metadata;

    private SpecialTokens(GgufMetadata metadata, Vocabulary vocabulary, SpecialDefaults defaults)
    {
        _metadata = metadata;
        _vocabulary = vocabulary;
        Bos = Id("bos_token_id", defaults.Bos);
        Eos = Id("eos_token_id", defaults.Eos);
        Unknown = Id("unknown_token_id", defaults.Unknown);
        AddBos = Flag("add_bos_token", "bos_token_id", defaults.AddBos, Bos);
        AddEos = Flag("add_eos_token", "eos_token_id", false, Eos);
    }

    /// <summary>Beginning of sequence.</summary>
    public int? Bos { get; }

    /// <summary>End of sequence.</summary>
    public int? Eos { get; }

    /// <summary>Stands for what no token spells.</summary>
    public int? Unknown { get; }

    /// <summary>Whether texts begin with <see cref="Bos"/>, which then is not null.</summary>
    public bool AddBos { get; }

    /// <summary>Whether texts end with <see cref="Eos"/>, which then is not null.</summary>
    public bool AddEos { get; }

    /// <summary>Ids that end a generation.</summary>
    public HashSet<int> EndOfGeneration { get; } = [];

    /// <summary>Reads the roles; tokens that bear a well-known name of a control token become control tokens.</summary>
    /// <exception cref="GgufException">A token is to be added that the file does not name.</exception>
    public static SpecialTokens Read(GgufMetadata metadata, Vocabulary vocabulary, SpecialDefaults defaults)
    {
        var specials = new SpecialTokens(metadata, vocabulary, defaults);
        specials.FindEnds(vocabulary);
        return specials;
    }

    /// <summary>
    /// A token id from the metadata; the default only where it is in the vocabulary. An id outside of the vocabulary (converters write −1 for none, and some
    /// one past the end) means that there is no such token, and is warned of.
    /// </summary>
    public int? Id(string name, int? otherwise)
    {
        if (!_metadata.TryGetInt64(Prefix + name, out long id))
        {
            return otherwise < _vocabulary.Count ? otherwise : null;
        }

        if (id >= 0 && id < _vocabulary.Count)
        {
            return (int)id;
        }

        _vocabulary.Warnings.Add($"{Prefix}{name} is {id}, which is no token: the vocabulary has 0 to {_vocabulary.Count - 1}; the model is used without it");
        return null;
    }

    private bool Flag(string name, string idName, bool otherwise, int? id)
    {
        bool given = _metadata.TryGetBool(Prefix + name, out bool add);
        if (given && add && id is null && !_metadata.Contains(Prefix + idName))
        {
            throw TokenizerErrors.At(Prefix + name, $"true without {Prefix}{idName}", $"false, or an id in {Prefix}{idName}");
        }

        return (given ? add : otherwise) && id is not null;
    }

    private void FindEnds(Vocabulary vocabulary)
    {
        var named = new Dictionary<string, int>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            var bytes = vocabulary.PieceBytes(id);
            if (bytes.Length <= LongestName && bytes.Length > 0 && (bytes[0] is (byte)'<' or (byte)'[' or (byte)'_' or 0xE2))
            {
                string piece = vocabulary.Piece(id);
                if (EndNames.Contains(piece) || ControlNames.Contains(piece))
                {
                    named[piece] = id;
                }
            }
        }

        // Where these pairs exist, the first token only ends a message within an answer (Harmony, Solar); </s> beside Gemma's marks is ordinary text.
        bool harmony = (named.ContainsKey("<|return|>") && (named.ContainsKey("<|call|>") || named.ContainsKey("<|calls|>")))
            || (named.ContainsKey("<|flush|>") && (named.ContainsKey("<|call|>") || named.ContainsKey("<|calls|>")));
        if (named.ContainsKey("<|tool_response>"))
        {
            named.Remove("</s>");
        }

        foreach ((string piece, int id) in named)
        {
            vocabulary.Kinds[id] = TokenKind.Control;
            if (EndNames.Contains(piece) && !(harmony && piece == "<|end|>"))
            {
                EndOfGeneration.Add(id);
            }
        }

        EndOfGeneration.UnionWith(new[] { Eos, Id("eot_token_id", null), Id("eom_token_id", null) }.OfType<int>());
    }
}
