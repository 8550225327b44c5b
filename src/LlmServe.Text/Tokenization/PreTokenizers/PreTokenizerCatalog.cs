using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>How a byte-level vocabulary is to be used, as its name in <c>tokenizer.ggml.pre</c> says.</summary>
/// <param name="Rule">Cuts text into pieces.</param>
/// <param name="WholePieces">Whether a piece that is a token stays whole, whatever the merges say (<c>ignore_merges</c>).</param>
/// <param name="AddBos">Whether texts begin with BOS where the file does not say.</param>
/// <param name="Composes">Whether the models' own tokenizer brings text to NFC first.</param>
internal sealed record PreTokenizerChoice(PreTokenizer Rule, bool WholePieces = false, bool AddBos = false, bool Composes = false);

/// <summary>The pre-tokenizers that files may name. Names and their meanings are those of GGUF's converters.</summary>
internal static class PreTokenizerCatalog
{
    private const string Key = "tokenizer.ggml.pre";

    private static readonly Dictionary<string, PreTokenizerChoice> Choices = Build();

    /// <summary>All known names, sorted.</summary>
    public static IEnumerable<string> Names => Choices.Keys.Order(StringComparer.Ordinal);

    /// <summary>The choice of a name. A file without one gets GPT-2's rule, the only one when such files were made.</summary>
    /// <exception cref="GgufException">The name is not known.</exception>
    public static PreTokenizerChoice Choose(string? name) =>
        Choices.TryGetValue(name ?? "gpt-2", out var choice) ? choice : throw TokenizerErrors.At(Key, $"'{name}'", string.Join(", ", TokenizerFactory.RuleNames));

    private static Dictionary<string, PreTokenizerChoice> Build()
    {
        var choices = new Dictionary<string, PreTokenizerChoice>(StringComparer.Ordinal);
        void Add(PreTokenizerChoice choice, params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                choices.Add(name, choice);
            }
        }

        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Plain)),
            "gpt-2", "phi-2", "jais", "trillion", "granite-docling", "gigachat", "a.x-4.0", "mellum", "exaone4", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de",
            "jina-v1-en", "jina-v2-code", "roberta-bpe");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Plain), Composes: true), "mpt", "olmo", "modern-bert");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.SingleDigits)),
            "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Falcon)), "falcon");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Default)), "default");
        Add(new(new Llama3Rule(digits: 3), WholePieces: true, AddBos: true),
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        Add(new(new Llama3Rule(digits: 3)), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4", "glm5", "jais-2");
        Add(new(new Llama3Rule(digits: 3), WholePieces: true), "minicpm5");
        Add(new(new Llama3Rule(digits: 1)),
            "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "solar-open", "grok-2", "kormo", "f2llmv2", "bailingmoe", "bailingmoe2", "llada-moe",
            "ufakzeka");
        Add(new(new Llama3Rule(digits: 1), Composes: true), "qwen2");
        Add(new(new Llama3Rule(digits: 1, marksAreLetters: true), Composes: true), "qwen35");
        Add(new(new DeepSeekCoderRule()), "deepseek-coder");
        Add(new(new O200kRule(cases: true, marks: false, digits: 3, contractions: true)), "gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie");
        Add(new(new O200kRule(cases: true, marks: false, digits: 1, contractions: false), WholePieces: true, AddBos: true), "tekken");
        Add(new(new O200kRule(cases: true, marks: true, digits: 3, contractions: true), WholePieces: true), "granite-embed-multi-97m");
        Add(new(new KimiRule()), "kimi-k2");
        Add(new(new ExaoneMoeRule()), "exaone-moe");
        Add(new(new Llama3Rule(digits: 1, symbolsTakeBreaks: false)), "seed-coder");
        Add(new(Cascades.Laguna), "laguna");
        Add(new(Cascades.DeepSeek3), "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4");
        Add(new(Cascades.DeepSeekLlm), "deepseek-llm");
        Add(new(Cascades.Spark), "spark2_5");
        Add(new(Cascades.Afmoe), "afmoe");
        Add(new(Cascades.TinyAya), "tiny_aya", "cohere2moe");
        Add(new(Cascades.Youtu, WholePieces: true), "youtu");
        Add(new(Cascades.SuperBpe), "superbpe");
        Add(new(Cascades.Bloom), "bloom", "gpt3-finnish", "poro-chat");
        Add(new(Cascades.Viking), "viking");
        Add(new(Cascades.Chameleon, AddBos: true), "chameleon");
        return choices;
    }
}
