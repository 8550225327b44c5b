using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Passes;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Compiler;

/// <summary>From a model file to programs: architecture → passes → one schedule per row bucket, each verified.</summary>
public static class ModelCompiler
{
    /// <summary>Version of the arithmetic (docs/numerics.md); part of a program's identity.</summary>
    public const int NumericsVersion = 1;

    /// <summary>Compiles a model.</summary>
    /// <exception cref="GgufException">The model cannot be compiled; the message says why.</exception>
    /// <exception cref="ArgumentException">The model has no such layers or outputs.</exception>
    public static CompiledModel Compile(GgufFile file, ITarget target, CompilerOptions options)
    {
        var source = new ModelSource(file, options.ContextLength);
        var whole = ArchitectureRegistry.Build(source);
        var shape = whole.Shape;
        var graph = PassPipeline.Run(LayerCutter.Cut(whole, options.Layers, options.Outputs), options.WithoutPasses);
        LayerCache[] caches = [.. graph.Operations.OfType<Store>().Select(s => s.Cache).Distinct().OrderBy(c => c.Id)];
        RequireFitting(options.Kv, caches);
        int context = Math.Min(options.ContextLength ?? int.MaxValue, shape.ContextLength);
        if (options.ContextLength > context)
        {
            source.Warn($"a context of {options.ContextLength} positions is asked for, but the model's own is {context}; as many are served");
        }

        int layers = options.Layers is { } range ? range.End - range.First : shape.Layers;
        return new CompiledModel
        {
            Shape = shape,
            Weights = graph.Weights,
            Caches = graph.Caches,
            KvGroups = [.. caches.GroupBy(c => c.Visibility.Within(context)).Select(g => new KvGroupLayout(g.Key, [.. g]))],
            Programs = [.. Buckets(options.MaxRows).Select(rows => Compile(graph, target, rows, context, options.Kv))],
            Info = new ModelInfo(shape.Architecture, shape.Vocabulary, context, layers, options.Activations, options.Kv, ProgramIdentity.Of(file, options))
            {
                Warnings = source.Warnings,
            },
        };
    }

    private static StreamProgram Compile(ModelGraph graph, ITarget target, int rows, int context, KvElement kv)
    {
        var program = ProgramBuilder.Build(graph, target, rows, context, kv);
        var errors = ProgramVerifier.Verify(program);
        return errors.Count == 0
            ? program
            : throw new InvalidOperationException($"the compiler made an unsound program for {rows} rows: {string.Join("; ", errors.Take(3))}");
    }

    private static void RequireFitting(KvElement kv, LayerCache[] caches)
    {
        int size = caches.SelectMany(c => (int[])[c.KeySize, c.ValueSize]).FirstOrDefault(size => size % KvBlock.ScaledRun != 0);
        if (kv == KvElement.Q8_0 && size > 0)
        {
            throw new GgufException(
                $"a KV cache in q8_0 needs heads of a multiple of {KvBlock.ScaledRun} elements, and this model's have {size}; use f16 or f32");
        }
    }

    /// <summary>Row counts that programs are compiled for: powers of two up to the limit, and the limit.</summary>
    public static IReadOnlyList<int> Buckets(int maxRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        var buckets = new List<int>();
        for (int rows = 1; rows < maxRows; rows *= 2)
        {
            buckets.Add(rows);
        }

        buckets.Add(maxRows);
        return buckets;
    }
}
