using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Printing;
using LlmServe.Compiler.Programs;
using LlmServe.Compiler.Tests.Cost;
using LlmServe.Execution;

namespace LlmServe.Compiler.Tests.Printing;

public sealed class PrintingTests
{
    private static readonly CompiledModel Small = PlainTarget.CompileSmall();
    private static readonly CompiledModel Embedded = PlainTarget.CompileEmbedded();
    private static readonly TickLoad Load = new(1, 1, 100);

    [Fact]
    public void Print_SmallModel_FollowsATokenThroughEveryPhase()
    {
        string text = Print(Small);

        string[] inOrder =
        [
            "model         a.gguf\n",
            "architecture  llama: 2 layers, width 256, 4 query and 2 key heads of 64, feed-forward 512, vocabulary 384, context 256\n",
            "modes         activations int8, kv f16\n", "target        plain, 2 lanes\n", $"program       {Small.Info.ProgramId}\n",
            "the cache takes 1,024 bytes per position\n",
            "14 phases on 2 lanes", "── embed ──", "Embed token_embd of share 1/2 of rows → embedding",
            "── layer 0 ──", "   1  blk.0.attn_norm + q  [qkv]", "Norm blk.0.attn_norm of all rows ← embedding → attn_norm",
            "MatMul blk.0.attn_q rows 0..256 ← attn_norm → q", "Rotate q columns 0..256 by rope", "Store k columns 0..128 → cache.0",
            "Attention q over cache.0, share 1/2 of heads → attention", "JoinAttention what was cut, share 1/2 of heads → attention", "MatMulAdd blk.0.attn_output rows 0..128 ← attention → embedding (added)",
            "GatedMatMul blk.0.ffn_gate, ffn_up rows 0..256 ← ffn_norm → ffn_act", "[ffn_down]", "── layer 1 ──", "── output_norm + logits ──",
            "Norm output_norm of all rows wanted ← embedding → output_norm", "Totals per tick at a context of 100",
        ];
        int at = 0;
        foreach (string part in inOrder)
        {
            int found = text.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' does not follow in:\n{text[at..]}");
            at = found + part.Length;
        }

        Assert.DoesNotContain('\e', text);
        Assert.DoesNotContain("more like it", text);
    }

    [Fact]
    public void Print_EqualLayers_AreFoldedUnlessAllAreAskedFor()
    {
        string folded = Print(Embedded);
        string all = Print(Embedded, all: true);

        Assert.Contains("  … 28 more like it (layers 1 to 28)\n", folded);
        Assert.Equal(["── layer 0 ", "── layer 29 "], Headings(folded));
        Assert.Equal(30, Headings(all).Length);
        Assert.DoesNotContain("more like it", all);
    }

    [Fact]
    public void Print_OneLayer_ShowsItAlone() => Assert.Equal(["── layer 7 "], Headings(Print(Embedded, layer: 7)));

    [Fact]
    public void Print_NoSuchLayer_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Print(Small, layer: 2));
        Assert.Contains("layers are 0 to 1", error.Message);
    }

    [Fact]
    public void Sections_Folded_CoverEveryPhaseOnce()
    {
        foreach (var program in Embedded.Programs)
        {
            var sections = ProgramSection.Folded(program);
            Assert.Equal(program.Phases.Count, sections.Sum(s => s.Count * (s.Repeats + 1)));
            Assert.Equal(program.Phases.Count, ProgramSection.All(program).Sum(s => s.Count));
        }
    }

    [Fact]
    public void Json_SmallModel_HasEveryInstruction()
    {
        var program = Small.Programs[0];
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            ProgramJson.Write(writer, Small, program, new CostModel(MachineProfile.Nominal, Small), new PrintOptions("a.gguf", "plain", Load));
            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray()));
        var instructions = document.RootElement.GetProperty("phases").EnumerateArray()
            .SelectMany(phase => phase.GetProperty("lanes").EnumerateArray()).SelectMany(lane => lane.EnumerateArray()).ToList();
        Assert.Equal(InstructionCount(program), instructions.Count);
        Assert.Equal(program.WeightBytes, instructions.Sum(i => i.GetProperty("bytes").GetInt64()));
        Assert.Equal(Small.Programs.Count, document.RootElement.GetProperty("ticks").GetArrayLength());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Svg_SmallModel_HasARectanglePerInstructionAndALinePerBarrier(bool measured)
    {
        var program = Small.Programs[0];
        var timeline = new CostModel(MachineProfile.Nominal, Small).Timeline(program, Load);
        var text = new StringWriter();

        SvgDrawing.Write(text, timeline, measured ? timeline : null, new PrintOptions("a <& b>.gguf", "plain, 2 lanes", Load));

        var svg = XDocument.Parse(text.ToString()).Root!;
        int sources = measured ? 2 : 1;
        var rectangles = svg.Descendants().Where(e => e.Name.LocalName == "rect" && (string?)e.Attribute("class") == "instruction").ToList();
        Assert.Equal("http://www.w3.org/2000/svg", svg.Name.NamespaceName);
        Assert.Equal(sources * InstructionCount(program), rectangles.Count);
        Assert.All(rectangles, r => Assert.Contains(r.Elements(), e => e.Name.LocalName == "title"));
        Assert.Equal(sources * program.Phases.Count, svg.Descendants().Count(e => (string?)e.Attribute("class") == "barrier"));
        Assert.Contains("a <& b>.gguf", svg.Descendants().First(e => e.Name.LocalName == "text").Value);
        Assert.All(rectangles, r => Assert.InRange((double)r.Attribute("x")! + (double)r.Attribute("width")!, 0, (double)svg.Attribute("width")!));
    }

    [Theory]
    [InlineData(0, "0 ns")]
    [InlineData(8.5e-7, "850 ns")]
    [InlineData(9.999e-7, "1.0 µs")]
    [InlineData(41.24e-6, "41.2 µs")]
    [InlineData(3.1e-3, "3.10 ms")]
    [InlineData(1.2, "1.20 s")]
    public void Time_AnyScale_HasTheUnitThatFits(double seconds, string expected) => Assert.Equal(expected, Figures.Time(seconds));

    [Theory]
    [InlineData("blk.12.attn_q.weight", 12, "attn_q")]
    [InlineData("blk.0.attn_norm + q", 0, "attn_norm + q")]
    [InlineData("token_embd.weight", -1, "token_embd")]
    [InlineData("blk.", -1, "blk.")]
    [InlineData("blk.x.q", -1, "blk.x.q")]
    public void Names_OfTensors_AreSplit(string name, int layer, string rest)
    {
        Assert.Equal(layer, ProgramSection.LayerOf(name));
        Assert.Equal(rest, ProgramSection.ShortName(name));
    }

    private static string Print(CompiledModel model, bool all = false, int? layer = null)
    {
        var text = new StringWriter { NewLine = "\n" };
        new ProgramPrinter(text, model, model.Programs[0], new CostModel(MachineProfile.Nominal, model), new PrintOptions("a.gguf", "plain, 2 lanes", Load, all, layer)).Print();
        return text.ToString();
    }

    private static string[] Headings(string text) => [.. text.Split('\n').Where(line => line.StartsWith("── layer", StringComparison.Ordinal)).Select(line => line[..(line.IndexOf('─', 3))])];

    private static int InstructionCount(StreamProgram program) => program.Phases.Sum(phase => phase.Lanes.Sum(lane => lane.Count));
}
