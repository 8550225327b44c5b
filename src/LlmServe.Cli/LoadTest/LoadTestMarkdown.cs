using System.Globalization;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.LoadTest;

/// <summary>The report as Markdown tables.</summary>
internal static class LoadTestMarkdown
{
    /// <summary>Writes all tables that the report has something for.</summary>
    public static void Write(TextWriter output, LoadTestReport report)
    {
        var plan = report.Plan;
        output.WriteLine($"server: {report.Server}");
        output.WriteLine(Text($"{plan.Streams} streams, {plan.Arrival}; prompts of {(plan.SharedPrefix > 0 ? Text($"{plan.SharedPrefix} shared and ") : "")}{plan.PromptTokens} tokens, ")
            + Text($"answers of {plan.OutputTokens}; seed {plan.Seed}; {report.Load.Elapsed:0.0} s"));
        MarkdownTable.Write(output, Times(report));
        MarkdownTable.Write(output, Totals(report));
        if (report.LongPrompt is { } prompt)
        {
            MarkdownTable.Write(output, LongPrompt(report, prompt));
        }

        if (report.Soak is { } soak)
        {
            MarkdownTable.Write(output, Soak(soak));
            output.WriteLine(Text($"second half: resident memory without KV {soak.ResidentSlope / 1e6:+0.0;-0.0} MB/h, managed heap {soak.HeapSlope / 1e6:+0.0;-0.0} MB/h; ")
                + Text($"{soak.LostBlocks} KV blocks and {soak.LeftSequences} sequences left behind"));
        }

        if (report.Check is { } check)
        {
            output.WriteLine(Text($"{check.Checked} of {check.Finished} finished answers asked for again one at a time: ")
                + (check.DifferentCount == 0 ? "all have the same token ids" : Text($"{check.DifferentCount} DIFFER")));
        }

        foreach (string violation in report.Violations)
        {
            output.WriteLine($"NOT OK: {TerminalText.OneLine(violation)}");
        }
    }

    private static List<string[]> Times(LoadTestReport report)
    {
        List<string[]> rows = [["ms", "p50", "p90", "p99", "max", "count"]];
        void Add(string name, LatencyHistogram times) => rows.Add(
        [
            name, Milliseconds(times.Quantile(0.5)), Milliseconds(times.Quantile(0.9)), Milliseconds(times.Quantile(0.99)), Milliseconds(times.Max),
            Text($"{times.Count}"),
        ]);
        Add("first token", report.Load.FirstToken);
        Add("between tokens", report.Load.InterToken);
        Add("queue", report.Load.Queue);
        if (report.Load.InWindow.Count > 0)
        {
            Add("between tokens while the long prompt is read", report.Load.InWindow);
        }

        if (report.Health is { } health)
        {
            Add("health", health.Times);
        }

        return rows;
    }

    private static List<string[]> Totals(LoadTestReport report)
    {
        var load = report.Load;
        List<string> names = ["done", "cancelled", "disconnected", "failed", "prompt tokens", "of them cached", "output tokens", "prompt t/s", "output t/s"];
        List<string> values =
        [
            Text($"{load.Count(Outcome.Done)}"), Text($"{load.Count(Outcome.Cancelled)}"), Text($"{load.Count(Outcome.Disconnected)}"),
            Text($"{load.Count(Outcome.Failed)}"), Text($"{load.PromptTokens}"), Text($"{load.CachedTokens}"), Text($"{load.OutputTokens}"),
            Text($"{report.PromptRate:0.0}"), Text($"{report.OutputRate:0.0}"),
        ];
        if (report.Baseline is not null)
        {
            names.AddRange(["one stream t/s", "ratio"]);
            values.AddRange([Text($"{report.BaselineRate:0.0}"), Text($"{report.OutputRate / report.BaselineRate:0.00}")]);
        }

        if (report.Engine is { } engine)
        {
            var guesses = engine.Speculation;
            names.AddRange(["ticks", "preemptions", "guesses accepted"]);
            values.AddRange([Text($"{engine.Ticks}"), Text($"{engine.Preemptions}"), Text($"{guesses.LookupAccepted + guesses.DraftAccepted}/{guesses.LookupGuesses + guesses.DraftGuesses}")]);
        }

        return [[.. names], [.. values]];
    }

    private static List<string[]> LongPrompt(LoadTestReport report, LongPromptResult prompt) =>
    [
        ["long prompt tokens", "beside streams", "first token ms", "alone ms", "t/s", "alone t/s", "share", "longest gap of others ms"],
        [
            Text($"{prompt.Tokens}"), Text($"{prompt.StreamsBeside}"), Milliseconds(prompt.LoadedSeconds), Milliseconds(prompt.AloneSeconds),
            Text($"{prompt.LoadedRate:0.0}"), Text($"{prompt.AloneRate:0.0}"), Text($"{prompt.LoadedRate / prompt.AloneRate:0.00}"),
            Milliseconds(report.Load.InWindow.Max),
        ],
    ];

    private static List<string[]> Soak(SoakResult soak) =>
    [
        ["s", "resident MB without KV", "heap MB", "free KV blocks", "running", "waiting", "open", "ended"],
        .. soak.Samples.Select(sample => (string[])
        [
            Text($"{sample.Seconds:0}"), Text($"{sample.ResidentBytes / 1e6:0.0}"), Text($"{sample.HeapBytes / 1e6:0.0}"), Text($"{sample.FreeBlocks}"),
            Text($"{sample.Running}"), Text($"{sample.Waiting}"), Text($"{sample.Open}"), Text($"{sample.Ended}"),
        ]),
    ];

    private static string Milliseconds(double seconds) => double.IsNaN(seconds) ? "–" : Text($"{seconds * 1e3:0.00}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
