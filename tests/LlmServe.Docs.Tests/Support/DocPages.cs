using LlmServe.Testing;
using Markdig;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace LlmServe.Docs.Tests.Support;

/// <summary>Every page that people read.</summary>
internal static class DocPages
{
    private static readonly string[] Folders = ["docs", "samples", "src", "models", "bench"];
    private static readonly Lazy<IReadOnlyList<string>> Found = new(Find);

    /// <summary>Paths from the repository's root.</summary>
    public static IReadOnlyList<string> All => Found.Value;

    /// <summary>The blocks of a page, in order.</summary>
    public static IReadOnlyList<DocBlock> Blocks(string page) =>
        [.. Parse(page).Descendants<CodeBlock>().Select(block => new DocBlock(page, block.Line + 1, (block as FencedCodeBlock)?.Info ?? "", block.Lines.ToString()))];

    /// <summary>Code within sentences and tables.</summary>
    public static IReadOnlyList<string> Spans(string page) => [.. Parse(page).Descendants<CodeInline>().Select(span => span.Content)];

    /// <summary>All blocks of a language.</summary>
    public static IEnumerable<DocBlock> BlocksOf(params string[] languages) => All.SelectMany(Blocks).Where(block => languages.Contains(block.Language));

    private static MarkdownDocument Parse(string page) =>
        Markdown.Parse(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, page)), new MarkdownPipelineBuilder().UsePipeTables().Build());

    private static string[] Find()
    {
        string root = TestData.RepositoryRoot;
        return
        [
            .. Directory.EnumerateFiles(root, "*.md")
                .Concat(Folders.Select(folder => Path.Combine(root, folder)).Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories)))
                .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'))
                .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
                .Order(StringComparer.Ordinal),
        ];
    }
}
