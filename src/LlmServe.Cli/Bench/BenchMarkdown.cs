using System.Globalization;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Bench;

/// <summary>The report as Markdown tables, aligned so that they read well as plain text too.</summary>
internal static class BenchMarkdown
{
    /// <summary>Writes all tables that the report has something for.</summary>
    public static void Write(TextWriter output, BenchReport report)
    {
        output.WriteLine($"machine: {report.Machine}");
        output.WriteLine(Text($"medians of {report.Plan.Runs} rounds; decode over {report.Plan.Generate} tokens; t/s: tokens per second; GB: 10^9 bytes"));
        MarkdownTable.Write(output, Overview(report));
        MarkdownTable.Write(output, Decode(report));
        MarkdownTable.Write(output, Buckets(report));
        if (report.Results.Any(result => result.Streams is not null))
        {
            MarkdownTable.Write(output, Streams(report));
        }

        foreach (var comparison in report.FormatComparisons)
        {
            MarkdownTable.Write(output, Formats(comparison));
            foreach (var other in comparison.Skip(1))
            {
                output.WriteLine(Sentence(comparison[0], other));
            }
        }
    }

    private static List<string[]> Overview(BenchReport report)
    {
        int[] prompts = [.. report.Results.SelectMany(result => result.Prefill).Select(point => point.Tokens).Distinct().Order()];
        int[] contexts = [.. report.Results.SelectMany(result => result.Decode).Select(point => point.Context).Distinct().Order()];
        List<string[]> rows =
        [
            [
                "model", "format", "MB", "backend", "activations", "load s", .. prompts.Select(n => Text($"prefill {n} t/s")),
                .. contexts.Select(n => Text($"decode @{n} t/s")), "prefill GMAC/s", "resident MB", "KV budget MB", "perplexity",
            ],
        ];
        rows.AddRange(report.Results.Select(result => (string[])
        [
            result.Model, result.Format, Text($"{result.Memory.File / 1e6:0}"), result.Backend, result.Activations, Text($"{result.LoadSeconds:0.00}"),
            .. prompts.Select(n => result.Prefill.FirstOrDefault(point => point.Tokens == n) is { } point ? Text($"{point.Rates.Median:0.0}") : "–"),
            .. contexts.Select(n => result.Decode.FirstOrDefault(point => point.Context == n) is { } point ? Text($"{point.Rates.Median:0.00}") : "–"),
            result.Prefill.Count > 0 ? Text($"{result.PrefillMultiplyAdds(result.Prefill[^1]) / 1e9:0.0}") : "–",
            Text($"{result.Memory.Resident / 1e6:0}"), Text($"{result.Memory.Kv / 1e6:0}"),
            result.Perplexity is { } perplexity ? Text($"{perplexity.Value:0.000}") : "–",
        ]));
        return rows;
    }

    private static List<string[]> Decode(BenchReport report)
    {
        List<string[]> rows =
        [
            ["model", "format", "activations", "context", "weight MB/token", "GB/s", "read GB/s", "share", "p50 ms", "p99 ms", "p99/p50", "predicted/measured", "allocated B"],
        ];
        foreach (var result in report.Results)
        {
            rows.AddRange(result.Decode.Select(point => (string[])
            [
                result.Model, result.Format, result.Activations, Text($"{point.Context}"), Text($"{result.Weights.Bytes / 1e6:0.0}"),
                Text($"{result.WeightRate(point) / 1e9:0.00}"), Text($"{result.Bandwidth.Median / 1e9:0.00}"), Text($"{result.Share(point):0.000}"),
                Text($"{point.Ticks.Quantile(0.5) * 1e3:0.000}"), Text($"{point.Ticks.Quantile(0.99) * 1e3:0.000}"),
                Text($"{point.Ticks.Quantile(0.99) / point.Ticks.Quantile(0.5):0.00}"), Text($"{point.PredictedOverMeasured:0.00}"),
                Text($"{result.AllocatedBytes}"),
            ]));
        }

        return rows;
    }

    private static List<string[]> Buckets(BenchReport report)
    {
        int[] buckets = [.. report.Results.SelectMany(result => result.Buckets).Select(point => point.Rows).Distinct().Order()];
        List<string[]> rows = [["model", "format", "activations", "per tick of", .. buckets.Select(n => n == 1 ? "1 row" : Text($"{n} rows"))]];
        foreach (var result in report.Results)
        {
            string[] Row(string name, Func<BucketResult, string> value) =>
            [
                result.Model, result.Format, result.Activations, name,
                .. buckets.Select(n => result.Buckets.FirstOrDefault(point => point.Rows == n) is { } point ? value(point) : "–"),
            ];
            rows.Add(Row("ms", point => Text($"{point.Ticks.Median * 1e3:0.00}")));
            rows.Add(Row("t/s", point => Text($"{point.Rows / point.Ticks.Median:0}")));
            rows.Add(Row("predicted/measured", point => Text($"{point.PredictedOverMeasured:0.00}")));
        }

        return rows;
    }

    private static List<string[]> Streams(BenchReport report)
    {
        List<string[]> rows = [["model", "format", "activations", "streams", "together t/s", "prefill with all logits t/s", "ratio", "over one stream"]];
        foreach (var result in report.Results.Where(result => result.Streams is not null))
        {
            var streams = result.Streams!;
            double one = result.Decode.Count > 0 ? result.Decode[0].Rates.Median : double.NaN;
            rows.Add(
            [
                result.Model, result.Format, result.Activations, Text($"{streams.Streams}"), Text($"{streams.Rates.Median:0.0}"),
                Text($"{streams.PromptRates.Median:0.0}"), Text($"{streams.Rates.Median / streams.PromptRates.Median:0.00}"),
                double.IsNaN(one) ? "–" : Text($"{streams.Rates.Median / one:0.00}"),
            ]);
        }

        return rows;
    }

    private static List<string[]> Formats(IReadOnlyList<ModelResult> comparison)
    {
        var first = comparison[0];
        List<string[]> rows =
        [
            ["format", "weights MB", "× smaller", "resident MB", "× smaller", "prefill", "× faster", "decode", "× faster", "perplexity", "ratio"],
        ];
        rows.AddRange(comparison.Select(result => (string[])
        [
            result.Format, Text($"{result.Weights.Bytes / 1e6:0.0}"), Text($"{(double)first.Weights.Bytes / result.Weights.Bytes:0.00}"),
            Text($"{result.Memory.Resident / 1e6:0}"), Text($"{(double)first.Memory.Resident / result.Memory.Resident:0.00}"),
            Rate(Prefilled(result)), Ratio(Prefilled(result), Prefilled(first)), Rate(Decoded(result)), Ratio(Decoded(result), Decoded(first)),
            result.Perplexity is { } perplexity ? Text($"{perplexity.Value:0.000}") : "–",
            result.Perplexity is { } own && first.Perplexity is { } other ? Text($"{own.Value / other.Value:0.0000}") : "–",
        ]));
        return rows;
    }

    private static string Sentence(ModelResult first, ModelResult other)
    {
        string perplexity = other.Perplexity is { } own && first.Perplexity is { } reference
            ? Text($"; perplexity {own.Value:0.000} against {reference.Value:0.000} ({(own.Value / reference.Value) - 1:+0.00%;-0.00%})") : "";
        return Text($"{first.Model}, measured: {other.Format} weights take {(double)first.Weights.Bytes / other.Weights.Bytes:0.00}× less memory than {first.Format}, ")
            + Text($"prefill is {Prefilled(other) / Prefilled(first):0.00}× and decode {Decoded(other) / Decoded(first):0.00}× as fast{perplexity}.");
    }

    private static double Prefilled(ModelResult result) => result.Prefill.Count > 0 ? result.Prefill[^1].Rates.Median : double.NaN;

    private static double Decoded(ModelResult result) => result.Decode.Count > 0 ? result.Decode[0].Rates.Median : double.NaN;

    private static string Rate(double value) => double.IsNaN(value) ? "–" : Text($"{value:0.0} t/s");

    private static string Ratio(double value, double other) => double.IsNaN(value / other) ? "–" : Text($"{value / other:0.00}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
