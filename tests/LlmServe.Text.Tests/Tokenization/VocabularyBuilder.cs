using LlmServe.Gguf;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Puts metadata together key by key, right or wrong, and reads it back as from a model file.</summary>
internal sealed class VocabularyBuilder
{
    private readonly Dictionary<string, GgufValue> _values = [];

    /// <summary>Tokens of a family and an empty list of merges; nothing else.</summary>
    public static VocabularyBuilder Plain(string model, params string[] tokens) => new VocabularyBuilder()
        .Set("model", GgufValue.Of(model)).Set("tokens", GgufValue.Of(tokens)).Set("merges", GgufValue.Of(Array.Empty<string>()));

    /// <summary>
    /// A byte-level vocabulary of all 256 bytes (each token's id is its byte), what the merges make, then BOS, EOS and <c>&lt;|im_end|&gt;</c>.
    /// </summary>
    public static VocabularyBuilder ByteLevel(params string[] merges)
    {
        var tokens = ByteLetters().Concat(merges.Select(merge => merge.Replace(" ", ""))).Concat(["<s>", "</s>", "<|im_end|>"]).ToArray();
        int[] kinds = [.. Enumerable.Repeat(1, 256 + merges.Length), 3, 3, 3];
        return new VocabularyBuilder()
            .Set("model", GgufValue.Of("gpt2")).Set("pre", GgufValue.Of("gpt-2"))
            .Set("tokens", GgufValue.Of(tokens)).Set("token_type", GgufValue.Of(kinds)).Set("merges", GgufValue.Of(merges))
            .Set("bos_token_id", GgufValue.Of((uint)(256 + merges.Length))).Set("eos_token_id", GgufValue.Of((uint)(257 + merges.Length)));
    }

    /// <summary>A SentencePiece vocabulary: unknown, BOS, EOS, all byte tokens, then the given ones, each scored minus its index.</summary>
    public static VocabularyBuilder SentencePiece(params string[] tokens)
    {
        string[] all = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. tokens];
        int[] kinds = [2, 3, 3, .. Enumerable.Repeat(6, 256), .. Enumerable.Repeat(1, tokens.Length)];
        return new VocabularyBuilder()
            .Set("model", GgufValue.Of("llama")).Set("tokens", GgufValue.Of(all)).Set("token_type", GgufValue.Of(kinds))
            .Set("scores", GgufValue.Of(Enumerable.Range(0, all.Length).Select(i => -(float)i).ToArray()));
    }

    /// <summary>Sets the value of <c>tokenizer.ggml.NAME</c>; null takes it away.</summary>
    public VocabularyBuilder Set(string name, GgufValue? value)
    {
        _values.Remove("tokenizer.ggml." + name);
        if (value is not null)
        {
            _values["tokenizer.ggml." + name] = value;
        }

        return this;
    }

    /// <summary>The metadata, through a file.</summary>
    public GgufMetadata Metadata()
    {
        string path = Path.Combine(Path.GetTempPath(), $"llmserve-{Guid.NewGuid():N}.gguf");
        var writer = new GgufWriter();
        foreach ((string key, var value) in _values)
        {
            writer.Add(key, value);
        }

        try
        {
            writer.Save(path);
            using var file = GgufFile.Open(path);
            return file.Metadata;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The tokenizer of the metadata.</summary>
    public ITokenizer Build() => TokenizerFactory.Create(Metadata());

    private static IEnumerable<string> ByteLetters()
    {
        int substitute = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool prints = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            yield return ((char)(prints ? value : substitute++)).ToString();
        }
    }
}
