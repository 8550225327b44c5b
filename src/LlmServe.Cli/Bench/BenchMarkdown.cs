using System.Globalization;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Bench;

/// <summary>The report as Markdown tables, aligned so that they read well as plain text too, and narrow enough for a terminal.</summary>
internal static class BenchMarkdown
{
    private const string Missing = "–";

    /// <summary>A line of a table: its name, and its figure for each result.</summary>
    private sealed record Figure(string Name, Func<ModelResult, string> Of);

    /// <summary>Writes all tables that the report has something for.</summary>
    public static void Write(TextWriter output, BenchReport report)
    {
        output.WriteLine($"machine: {report.Machine}");
        output.WriteLine(Text($"medians of {report.Plan.Runs} rounds; decode over {report.Plan.Generate} tokens; t/s: tokens per second; GB: 10^9 bytes"));
        output.WriteLine(report.Noise.Describe());
        if (report.Results.Count > 1)
        {
            output.WriteLine();
            for (int i = 0; i < report.Results.Count; i++)
            {
                output.WriteLine($"{Label(i)}: {Describe(report.Results[i])}");
            }
        }

        WriteSideBySide(output, report.Results, Overview(report), report.Results.Count == 1 ? (_, _) => "measured" : (_, i) => Label(i));
        foreach (var result in report.Results)
        {
            output.WriteLine(Describe(result));
            MarkdownTable.Write(output, Decode(result), Buckets(result));
        }

        foreach (var comparison in report.FormatComparisons)
        {
            WriteSideBySide(output, comparison, Formats(comparison[0]), (result, _) => result.Format);
            foreach (var other in comparison.Skip(1))
            {
                output.WriteLine(Sentence(comparison[0], other));
            }
        }
    }

    private static void WriteSideBySide(
        TextWriter output, IReadOnlyList<ModelResult> results, IEnumerable<Figure> figures, Func<ModelResult, int, string> heading)
    {
        string[] headings = ["", .. results.Select(heading)];
        var rows = figures.Select(figure => (string[])[figure.Name, .. results.Select(figure.Of)]).Where(row => row.Skip(1).Any(cell => cell != Missing));
        List<string[]> table = [headings, .. rows];
        MarkdownTable.Write(output, table);
    }

    private static string Label(int index) => Text($"#{index + 1}");

    private static string Describe(ModelResult result) => Text($"{result.Model}, {result.Format}, {result.Activations}, {result.Backend}");

    private static IEnumerable<Figure> Overview(BenchReport report)
    {
        int[] prompts = [.. report.Results.SelectMany(result => result.Prefill).Select(point => point.Tokens).Distinct().Order()];
        int[] contexts = [.. report.Results.SelectMany(result => result.Decode).Select(point => point.Context).Distinct().Order()];
        return
        [
            new("file MB", result => Text($"{result.Memory.File / 1e6:0}")),
            new("load s", result => Text($"{result.LoadSeconds:0.00}")),
            .. prompts.Select(n => new Figure(Text($"prefill {n} t/s"), result => Of(result.Prefill, point => point.Tokens == n, point => Text($"{point.Rates.Median:0.0}")))),
            .. contexts.Select(n => new Figure(Text($"decode @{n} t/s"), result => Of(result.Decode, point => point.Context == n, point => Text($"{point.Rates.Median:0.00}")))),
            new("prefill GMAC/s", result => result.Prefill.Count > 0 ? Text($"{result.PrefillMultiplyAdds(result.Prefill[^1]) / 1e9:0.0}") : Missing),
            new("weight MB/token", result => Text($"{result.Weights.Bytes / 1e6:0.0}")),
            new("read GB/s", result => Text($"{result.Bandwidth.Median / 1e9:0.00}")),
            new("streams", result => OfStreams(result, streams => Text($"{streams.Streams}"))),
            new("streams together t/s", result => OfStreams(result, streams => Text($"{streams.Rates.Median:0.0}"))),
            new("prefill with all logits t/s", result => OfStreams(result, streams => Text($"{streams.PromptRates.Median:0.0}"))),
            new("streams / that prefill", result => OfStreams(result, streams => Text($"{streams.Rates.Median / streams.PromptRates.Median:0.00}"))),
            new("streams / one stream", result => OfStreams(result, streams => Ratio(streams.Rates.Median, Decoded(result)))),
            new("resident MB", result => Text($"{result.Memory.Resident / 1e6:0}")),
            new("KV budget MB", result => Text($"{result.Memory.Kv / 1e6:0}")),
            new("allocated B", result => Text($"{result.AllocatedBytes}")),
            new("perplexity", PerplexityOf),
        ];
    }

    private static List<string[]> Decode(ModelResult result) =>
    [
        ["decode @", "GB/s", "share", "p50 ms", "p99 ms", "p99/p50", "predicted/measured"],
        .. result.Decode.Select(point => (string[])
        [
            Text($"{point.Context}"), Text($"{result.WeightRate(point) / 1e9:0.00}"), Text($"{result.Share(point):0.000}"),
            Text($"{point.Ticks.Quantile(0.5) * 1e3:0.000}"), Text($"{point.Ticks.Quantile(0.99) * 1e3:0.000}"),
            Text($"{point.Ticks.Quantile(0.99) / point.Ticks.Quantile(0.5):0.00}"), Text($"{point.PredictedOverMeasured:0.00}"),
        ]),
    ];

    private static List<string[]> Buckets(ModelResult result) =>
    [
        ["rows of a tick", "ms", "t/s", "predicted/measured"],
        .. result.Buckets.Select(point => (string[])
        [
            Text($"{point.Rows}"), Text($"{point.Ticks.Median * 1e3:0.00}"), Text($"{point.Rows / point.Ticks.Median:0}"), Text($"{point.PredictedOverMeasured:0.00}"),
        ]),
    ];

    private static IEnumerable<Figure> Formats(ModelResult first) =>
    [
        new("weights MB", result => Text($"{result.Weights.Bytes / 1e6:0.0}")),
        new("× smaller", result => Text($"{(double)first.Weights.Bytes / result.Weights.Bytes:0.00}")),
        new("resident MB", result => Text($"{result.Memory.Resident / 1e6:0}")),
        new("× smaller", result => Text($"{(double)first.Memory.Resident / result.Memory.Resident:0.00}")),
        new("prefill t/s", result => Rate(Prefilled(result))),
        new("× faster", result => Ratio(Prefilled(result), Prefilled(first))),
        new("decode t/s", result => Rate(Decoded(result))),
        new("× faster", result => Ratio(Decoded(result), Decoded(first))),
        new("perplexity", PerplexityOf),
        new("ratio", result => result.Perplexity is { } own && first.Perplexity is { } other ? Text($"{own.Value / other.Value:0.0000}") : Missing),
    ];

    private static string Sentence(ModelResult first, ModelResult other)
    {
        string perplexity = other.Perplexity is { } own && first.Perplexity is { } reference
            ? Text($"; perplexity {own.Value:0.000} against {reference.Value:0.000} ({(own.Value / reference.Value) - 1:+0.00%;-0.00%})") : "";
        return Text($"{first.Model}, measured: {other.Format} weights take {(double)first.Weights.Bytes / other.Weights.Bytes:0.00}× less memory than {first.Format}, ")
            + Text($"prefill is {Prefilled(other) / Prefilled(first):0.00}× and decode {Decoded(other) / Decoded(first):0.00}× as fast{perplexity}.");
    }

    private static string Of<T>(IEnumerable<T> points, Func<T, bool> wanted, Func<T, string> figure) =>
        points.Where(wanted).Select(figure).FirstOrDefault() ?? Missing;

    private static string OfStreams(ModelResult result, Func<StreamsResult, string> figure) => result.Streams is { } streams ? figure(streams) : Missing;

    private static string PerplexityOf(ModelResult result) => result.Perplexity is { } perplexity ? Text($"{perplexity.Value:0.000}") : Missing;

    private static double Prefilled(ModelResult result) => result.Prefill.Count > 0 ? result.Prefill[^1].Rates.Median : double.NaN;

    private static double Decoded(ModelResult result) => result.Decode.Count > 0 ? result.Decode[0].Rates.Median : double.NaN;

    private static string Rate(double value) => double.IsNaN(value) ? Missing : Text($"{value:0.0}");

    private static string Ratio(double value, double other) => double.IsNaN(value / other) ? Missing : Text($"{value / other:0.00}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
