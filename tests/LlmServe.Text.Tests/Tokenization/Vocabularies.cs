using System.Collections.Concurrent;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>The vocabularies of the test data, each loaded once.</summary>
internal static class Vocabularies
{
    /// <summary>The embedded model's, which every clone has.</summary>
    public const string Embedded = "smollm2";

    private static readonly ConcurrentDictionary<string, Lazy<ITokenizer>> Loaded = new();

    /// <summary>All names, with the number of golden cases of each.</summary>
    public static readonly TheoryData<string, int> Cases = new()
    {
        { "smollm2", 188 }, { "gpt-2", 188 }, { "llama-bpe", 282 }, { "qwen2", 188 }, { "llama-spm", 282 }, { "phi-3", 282 },
        { "starcoder", 188 }, { "falcon", 188 }, { "deepseek-coder", 282 }, { "gemma-4", 282 }, { "bert-bge", 282 },
    };

    /// <summary>All names.</summary>
    public static TheoryData<string> Names => new(Cases.Select(row => (string)row[0]));

    /// <summary>Names of those that turn any text into ids and back.</summary>
    public static readonly TheoryData<string> Lossless = ["gpt-2", "llama-bpe", "qwen2", "deepseek-coder"];

    /// <summary>The tokenizer of a vocabulary; skips the test where shared data is absent.</summary>
    public static ITokenizer Load(string name)
    {
        string path = PathOf(name);
        return Loaded.GetOrAdd(name, _ => new Lazy<ITokenizer>(() => TokenizerFactory.Create(Metadata(path)))).Value;
    }

    /// <summary>The tokenizer of a model file, loaded once.</summary>
    public static ITokenizer LoadFile(string path) => Loaded.GetOrAdd(path, _ => new Lazy<ITokenizer>(() => TokenizerFactory.Create(Metadata(path)))).Value;

    /// <summary>The model file of a vocabulary; skips the test where shared data is absent.</summary>
    public static string PathOf(string name) => name == Embedded ? TestData.EmbeddedModel : TestData.Shared("data", "tokenizers", name + ".gguf");

    /// <summary>The file of golden cases.</summary>
    public static string CasesOf(string name) =>
        name == Embedded ? TestData.Local("tokenizers", name + ".jsonl") : TestData.Shared("data", "tokenizers", name + ".jsonl");

    private static GgufMetadata Metadata(string path)
    {
        using var file = GgufFile.Open(path);
        return file.Metadata;
    }
}
