using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Compiler.Tests.Cost;

/// <summary>A target without kernels: file-sized weights, 8-bit activations, one kernel for a few rows and another for many.</summary>
internal sealed class PlainTarget(int lanes) : ITarget
{
    public const int ManyRows = 4;

    public string Name => "plain";

    public int Lanes => lanes;

    public ActivationForms FormFor(Weight matrix, int rows) => ActivationForms.FirstOfTarget;

    public int RowBytes(ActivationForms forms, int columns) => ((columns * 4) + 63) / 64 * 64;

    public int GroupOf(ActivationForms forms) => forms == ActivationForms.Real ? 1 : 32;

    public bool RepeatsRows(int rows) => rows <= ManyRows;

    public int AttentionParts(AttentionShape shape, int rows, int context) => 2 * shape.QueryHeads * (shape.ValueSize + 2);

    public int CacheGroup(KvElement element, int headSize) => element == KvElement.Q8_0 ? KvBlock.ScaledRun : 16;

    public long StoredBytes(Weight matrix) => matrix.Bytes;

    public int KernelFrom(Weight matrix, int rows) => rows < ManyRows ? 1 : ManyRows;

    /// <summary>A small golden model (2 layers, Q4_0) for this many lanes.</summary>
    public static CompiledModel CompileSmall(int lanes = 2) => Compile(TestData.Local("golden", "quantized", "llama-Q4_0.gguf"), lanes);

    /// <summary>The embedded model (30 equal layers).</summary>
    public static CompiledModel CompileEmbedded(int lanes = 2) => Compile(TestData.EmbeddedModel, lanes);

    private static CompiledModel Compile(string path, int lanes)
    {
        using var file = GgufFile.Open(path);
        return ModelCompiler.Compile(file, new PlainTarget(lanes), new CompilerOptions(ActivationMode.Int8, KvElement.F16, MaxRows: 32));
    }
}
