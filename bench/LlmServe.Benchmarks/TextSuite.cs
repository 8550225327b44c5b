using System.Text;
using BenchmarkDotNet.Attributes;
using LlmServe.Gguf;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Benchmarks;

/// <summary>Tokenizer and chat template of the embedded model.</summary>
public class TextSuite : ICountsWork
{
    private const int Repeats = 64;
    private const string Paragraph =
        "A lane is a thread that plays its part of the schedule. It never looks anything up; every address was fixed 1,024 ticks ago.\n"
        + "    for (int row = begin; row < end; row++) { total += x[row]; }  // naïve, ελληνικά, 漢字\n";

    private static readonly string Text = string.Concat(Enumerable.Repeat(Paragraph, Repeats));

    private readonly List<int> _ids = [];
    private int[] _encoded = [];
    private ITokenizer? _tokenizer;
    private ChatTemplate? _template;
    private ChatTemplateInput? _conversation;

    public static double WorkOf(string method, Func<string, object> parameter) => Encoding.UTF8.GetByteCount(Text);

    [GlobalSetup]
    public void Setup()
    {
        using var file = GgufFile.Open(EmbeddedModel.Path);
        _tokenizer = TokenizerFactory.Create(file.Metadata);
        _encoded = _tokenizer.Encode(Text);
        _template = ChatTemplate.Parse(file.Metadata.GetString("tokenizer.chat_template"));
        var messages = Enumerable.Range(0, Repeats).Select(i => new TemplateMessage(i % 2 == 0 ? "user" : "assistant", Paragraph));
        _conversation = new ChatTemplateInput { Messages = [.. messages], Now = DateTimeOffset.UnixEpoch };
    }

    [Benchmark]
    public int Encode()
    {
        _ids.Clear();
        _tokenizer!.Encode(Text, addSpecial: false, parseSpecial: false, _ids);
        return _ids.Count;
    }

    [Benchmark]
    public int Decode()
    {
        var detokenizer = new Detokenizer(_tokenizer!);
        int length = 0;
        foreach (int id in _encoded)
        {
            length += detokenizer.Append(id).Length;
        }

        return length + detokenizer.Flush().Length;
    }

    [Benchmark]
    public int Render() => _template!.Render(_conversation!).Text.Length;
}
