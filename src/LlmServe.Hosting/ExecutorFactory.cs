using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Hosting;

/// <summary>Compiles an open model for a backend. The executor does not read the file any more once it is there.</summary>
/// <param name="file">The model.</param>
/// <param name="options">How to compile.</param>
/// <param name="progress">How far it is; null: nobody asks.</param>
public delegate IProgramExecutor ExecutorFactory(GgufFile file, CpuOptions options, IProgress<LoadProgress>? progress);
