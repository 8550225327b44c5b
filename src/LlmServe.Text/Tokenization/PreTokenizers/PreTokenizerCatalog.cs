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
        Choices.TryGetValue(name ?? "gpt-2", out var choice) ? choice : throw TokenizerErrors.At(Key, $"'{name}'", string.Join(", ", Names));

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
            "gpt-2", "phi-2", "jais", "trillion", "granite-docling", "gigachat", "a.x-4.0", "mellum", "exaone4");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Plain), Composes: true), "mpt", "olmo", "modern-bert");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.SingleDigits)),
            "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Falcon)), "falcon");
        Add(new(new Gpt2Rule(Gpt2Rule.Variant.Default)), "default");
        Add(new(new Llama3Rule(digits: 3, marksAreLetters: false), WholePieces: true, AddBos: true),
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2");
        Add(new(new Llama3Rule(digits: 3, marksAreLetters: false)), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
        Add(new(new Llama3Rule(digits: 1, marksAreLetters: false)),
            "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "solar-open", "grok-2", "kormo", "f2llmv2");
        Add(new(new Llama3Rule(digits: 1, marksAreLetters: false), Composes: true), "qwen2");
        Add(new(new Llama3Rule(digits: 1, marksAreLetters: true), Composes: true), "qwen35");
        Add(new(new DeepSeekCoderRule()), "deepseek-coder");
        Add(new(new DeepSeek3Rule()), "deepseek-v3", "hunyuan-dense", "joyai-llm");
        Add(new(new O200kRule(digits: 3, contractions: true)), "gpt-4o", "llama4", "kanana2", "minimax-m2");
        Add(new(new O200kRule(digits: 1, contractions: false), WholePieces: true, AddBos: true), "tekken");
        return choices;
    }
}
