using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LlmServe.Benchmarks;
using Perfolizer.Horology;

// In this process: the runtime's settings are the ones that the programs run with, and nothing is built while the machine measures.
var job = Job.ShortRun
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithIterationTime(TimeInterval.FromMilliseconds(200));
var config = ManualConfig.Create(DefaultConfig.Instance)
    .AddJob(job)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddColumn(new ThroughputColumn())
    .HideColumns(Column.Error, Column.RatioSD)
    .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile);
var summaries = BenchmarkSwitcher
    .FromAssembly(typeof(ThroughputColumn).Assembly)
    .Run(args.Length == 0 ? ["--filter", "*"] : args, config)
    .ToList();

// A kernel that allocates refuses to run (KernelLab).
return summaries.SelectMany(summary => summary.Reports).All(report => report.Success) ? 0 : 1;
