using System.Diagnostics;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace LlmServe.Arm64;

/// <summary>Runs the tests whose names contain all of the arguments, one after another, and prints each.</summary>
internal static class Program
{
    private static readonly string[] Assemblies = ["LlmServe.Cpu.Tests", "LlmServe.Execution.Tests", "LlmServe.Compiler.Tests", "LlmServe.Engine.Tests"];

    private static int Main(string[] filters)
    {
        using var report = new Report(filters);
        foreach (string name in Assemblies)
        {
            using var framework = new XunitTestFramework(report);
            using var executor = framework.GetExecutor(Assembly.Load(name).GetName());
            using var discoverer = framework.GetDiscoverer(Reflector.Wrap(Assembly.Load(name)));
            discoverer.Find(includeSourceInformation: false, report, new Options());
            report.Wait();
            if (report.Take() is { Count: > 0 } chosen)
            {
                executor.RunTests(chosen, report, new Options());
                report.Wait();
            }
        }

        Console.WriteLine($"{report.Passed} passed, {report.Failed} failed, {report.Skipped} skipped");
        return report.Failed > 0 || report.Passed == 0 ? 1 : 0;
    }
}

/// <summary>Collects the tests to run, and prints what becomes of them.</summary>
internal sealed class Report(string[] filters) : Xunit.LongLivedMarshalByRefObject, IMessageSink, IDisposable
{
    private readonly AutoResetEvent _done = new(false);
    private readonly long _start = Stopwatch.GetTimestamp();
    private List<ITestCase> _cases = [];

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    /// <summary>Waits until discovery, or a run, is over.</summary>
    public void Wait() => _done.WaitOne();

    /// <summary>The tests found since the last call.</summary>
    public List<ITestCase> Take()
    {
        var cases = _cases;
        _cases = [];
        return cases;
    }

    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestCaseDiscoveryMessage found when filters.All(found.TestCase.DisplayName.Contains):
                _cases.Add(found.TestCase);
                break;
            case ITestPassed passed:
                Passed++;
                Print("passed", passed.Test.DisplayName, "");
                break;
            case ITestSkipped skipped:
                Skipped++;
                Print("skipped", skipped.Test.DisplayName, skipped.Reason);
                break;
            case ITestFailed failed:
                Failed++;
                Print("FAILED", failed.Test.DisplayName, string.Join("\n", failed.Messages.Concat(failed.StackTraces)));
                break;
            case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                _done.Set();
                break;
            default:
                break;
        }

        return true;
    }

    public void Dispose() => _done.Dispose();

    private void Print(string outcome, string test, string detail) =>
        Console.WriteLine($"{Stopwatch.GetElapsedTime(_start).TotalSeconds,6:F0} s  {outcome,-7}  {test}  {detail}");
}

/// <summary>One test at a time: an emulated processor is slow, and its memory small.</summary>
internal sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    private readonly Dictionary<string, object?> _values = new() { ["xunit.execution.DisableParallelization"] = true };

    public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) && value is TValue found ? found : default!;

    public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
}
