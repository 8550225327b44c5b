using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Text;

namespace LlmServe.Hosting;

/// <summary>A model that is ready to run: what its file says, the compiled program and the tokenizer.</summary>
public sealed class LoadedModel : IDisposable
{
    private const int LongestId = 128;
    private readonly string _path;
    private bool _handedOver;

    private LoadedModel(string path, GgufFile file, IProgramExecutor executor, ITokenizer tokenizer)
    {
        _path = path;
        File = file;
        Executor = executor;
        Tokenizer = tokenizer;
    }

    /// <summary>Puts a model together when its tokenizer is ready; if there is none, the executor is disposed.</summary>
    internal static LoadedModel Create(string path, GgufFile file, IProgramExecutor executor, Task<ITokenizer> tokenizer)
    {
        try
        {
            return new LoadedModel(path, file, executor, tokenizer.GetAwaiter().GetResult());
        }
        catch
        {
            executor.Dispose();
            throw;
        }
    }

    /// <summary>What the file says: closed, so that its data is gone.</summary>
    public GgufFile File { get; }

    /// <summary>The compiled program on its backend.</summary>
    public IProgramExecutor Executor { get; }

    /// <summary>The model's tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>What is odd about it, one sentence each.</summary>
    public IEnumerable<string> Warnings => Executor.Model.Warnings.Concat(Tokenizer.Warnings);

    /// <summary>The name in the file, else the file's own.</summary>
    public string DisplayName => File.Metadata.GetString("general.name", "") is { Length: > 0 } name ? name : Path.GetFileNameWithoutExtension(_path);

    /// <summary>What requests call it: the file's name, with characters that ids do not have replaced.</summary>
    public string Id
    {
        get
        {
            string stem = Path.GetFileNameWithoutExtension(_path);
            return string.Concat(stem.Take(LongestId).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-')).ToLowerInvariant();
        }
    }

    /// <summary>The chat template's source, or null.</summary>
    public string? TemplateSource => File.Metadata.TryGetString("tokenizer.chat_template", out string? source) ? source : null;

    /// <summary>Number of weights.</summary>
    public long ParameterCount => File.Tensors.Sum(tensor => tensor.ElementCount);

    /// <summary>The formats of its matrices, most bytes first.</summary>
    public string Quantization => string.Join(", ", File.Tensors
        .Where(tensor => tensor.Dimensions.Length > 1)
        .GroupBy(tensor => tensor.Format.Name)
        .OrderByDescending(group => group.Sum(tensor => tensor.ByteLength))
        .Select(group => group.Key));

    /// <summary>An engine owns the executor from now on; its disposal must come before this object's.</summary>
    internal void HandOverExecutor() => _handedOver = true;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_handedOver)
        {
            Executor.Dispose();
        }
    }
}
