using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Passes;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Compiler;

/// <summary>Modes and limits that a program is compiled for.</summary>
/// <param name="Activations">How rows enter quantized matrices.</param>
/// <param name="Kv">Element type of the KV cache.</param>
/// <param name="MaxRows">Most rows of a tick.</param>
/// <param name="ContextLength">Most positions of a sequence; null: what the model says.</param>
public sealed record CompilerOptions(ActivationMode Activations, KvElement Kv, int MaxRows = 256, int? ContextLength = null);

/// <summary>A model compiled for a target: the graph and one program per row bucket.</summary>
public sealed record CompiledModel(ModelGraph Graph, IReadOnlyList<StreamProgram> Programs, ModelInfo Info)
{
    /// <summary>The smallest program that takes this many rows.</summary>
    public StreamProgram ProgramFor(int rows) => Programs.First(p => p.Rows >= rows);
}

/// <summary>From a model file to programs: architecture → passes → one schedule per row bucket, each verified.</summary>
public static class ModelCompiler
{
    /// <summary>Version of the arithmetic (docs/numerics.md); part of a program's identity.</summary>
    public const int NumericsVersion = 1;

    /// <summary>Compiles a model.</summary>
    /// <exception cref="GgufException">The model cannot be compiled; the message says why.</exception>
    public static CompiledModel Compile(GgufFile file, ITarget target, CompilerOptions options)
    {
        var source = new ModelSource(file, options.ContextLength);
        var graph = PassPipeline.Run(ArchitectureRegistry.Build(source));
        var shape = graph.Shape;
        if (options.Kv == KvElement.Q8_0 && shape.HeadSize % KvBlock.ScaledRun != 0)
        {
            throw new GgufException(
                $"a KV cache in q8_0 needs heads of a multiple of {KvBlock.ScaledRun} elements, and this model's have {shape.HeadSize}; use f16 or f32");
        }

        int context = Math.Min(options.ContextLength ?? int.MaxValue, shape.ContextLength);
        if (options.ContextLength > context)
        {
            source.Warn($"a context of {options.ContextLength} positions is asked for, but the model's own is {context}; as many are served");
        }

        var programs = new List<StreamProgram>();
        foreach (int rows in Buckets(options.MaxRows))
        {
            var program = LaneScheduler.Schedule(new ChooseActivationForms(target, rows).Run(graph), target, rows, context, options.Kv);
            var errors = ProgramVerifier.Verify(program);
            if (errors.Count > 0)
            {
                throw new InvalidOperationException($"the compiler made an unsound program for {rows} rows: {string.Join("; ", errors.Take(3))}");
            }

            programs.Add(program);
        }

        var info = new ModelInfo(
            shape.Architecture, shape.Vocabulary, context, shape.Layers, options.Activations, options.Kv, ProgramIdentity.Of(file, options))
        {
            Warnings = source.Warnings,
        };
        return new CompiledModel(graph, programs, info);
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
