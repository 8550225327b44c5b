using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace LlmServe.Benchmarks;

/// <summary>A benchmark class that knows how much work a call is.</summary>
public interface ICountsWork
{
    /// <summary>Work of a call with these parameters, in units of <see cref="ThroughputColumn"/>.</summary>
    /// <param name="method">Name of the benchmark.</param>
    /// <param name="parameter">Value of a parameter by its name.</param>
    static abstract double WorkOf(string method, Func<string, object> parameter);
}

/// <summary>Work per second: multiply-adds for matrices and attention, elements for row kernels, bytes for texts; in billions.</summary>
public sealed class ThroughputColumn : IColumn
{
    public string Id => nameof(ThroughputColumn);

    public string ColumnName => "G/s";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "10^9 per second: multiply-adds of matrices and attention, elements of row kernels, bytes of texts";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        var descriptor = benchmarkCase.Descriptor;
        var counter = descriptor.Type.GetMethod(nameof(ICountsWork.WorkOf), BindingFlags.Public | BindingFlags.Static);
        if (counter is null || summary[benchmarkCase]?.ResultStatistics is not { Mean: > 0 } statistics)
        {
            return "-";
        }

        Func<string, object> parameter = name => benchmarkCase.Parameters[name];
        double work = (double)counter.Invoke(null, [descriptor.WorkloadMethod.Name, parameter])!;

        // The mean is in nanoseconds, so this is billions per second.
        return (work / statistics.Mean).ToString("0.000", CultureInfo.InvariantCulture);
    }
}
