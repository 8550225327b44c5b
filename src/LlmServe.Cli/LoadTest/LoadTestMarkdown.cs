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
        List<List<string[]>> tables = [Times(report), Totals(report)];
        if (report.LongPrompt is { } prompt)
        {
            tables.Add(LongPrompt(report, prompt));
        }

        if (report.Soak is { } soak)
        {
            tables.Add(Soak(soak));
        }

        MarkdownTable.Write(output, [.. tables]);
        if (report.Soak is { } watched)
        {
            output.WriteLine(Text($"second half: resident memory without KV {watched.ResidentSlope / 1e6:+0.0;-0.0} MB/h, managed heap {watched.HeapSlope / 1e6:+0.0;-0.0} MB/h; ")
                + Text($"{watched.LostBlocks} KV blocks and {watched.LeftSequences} sequences left behind"));
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
            Add("between, long prompt", report.Load.InWindow);
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
        List<string[]> rows =
        [
            ["", "total"],
            ["done", Text($"{load.Count(Outcome.Done)}")],
            ["cancelled", Text($"{load.Count(Outcome.Cancelled)}")],
            ["disconnected", Text($"{load.Count(Outcome.Disconnected)}")],
            ["failed", Text($"{load.Count(Outcome.Failed)}")],
            ["prompt tokens", Text($"{load.PromptTokens}")],
            ["of them cached", Text($"{load.CachedTokens}")],
            ["output tokens", Text($"{load.OutputTokens}")],
            ["prompt t/s", Text($"{report.PromptRate:0.0}")],
            ["output t/s", Text($"{report.OutputRate:0.0}")],
        ];
        if (report.Baseline is not null)
        {
            rows.Add(["one stream t/s", Text($"{report.BaselineRate:0.0}")]);
            rows.Add(["ratio", Text($"{report.OutputRate / report.BaselineRate:0.00}")]);
        }

        if (report.Engine is { } engine)
        {
            var guesses = engine.Speculation;
            rows.Add(["ticks", Text($"{engine.Ticks}")]);
            rows.Add(["preemptions", Text($"{engine.Preemptions}")]);
            rows.Add(["guesses accepted", Text($"{guesses.Accepted}/{guesses.Drafted}")]);
        }

        return rows;
    }

    private static List<string[]> LongPrompt(LoadTestReport report, LongPromptResult prompt) =>
    [
        ["long prompt", Text($"{prompt.Tokens} tokens")],
        ["streams beside it", Text($"{prompt.StreamsBeside}")],
        ["first token, ms", Milliseconds(prompt.LoadedSeconds)],
        ["the same alone, ms", Milliseconds(prompt.AloneSeconds)],
        ["prompt t/s", Text($"{prompt.LoadedRate:0.0}")],
        ["the same alone", Text($"{prompt.AloneRate:0.0}")],
        ["share", Text($"{prompt.LoadedRate / prompt.AloneRate:0.00}")],
        ["longest gap of others, ms", Milliseconds(report.Load.InWindow.Max)],
    ];

    private static List<string[]> Soak(SoakResult soak) =>
    [
        ["s", "MB without KV", "heap MB", "free blocks", "running", "waiting", "open", "ended"],
        .. soak.Samples.Select(sample => (string[])
        [
            Text($"{sample.Seconds:0}"), Text($"{sample.ResidentBytes / 1e6:0.0}"), Text($"{sample.HeapBytes / 1e6:0.0}"), Text($"{sample.FreeBlocks}"),
            Text($"{sample.Running}"), Text($"{sample.Waiting}"), Text($"{sample.Open}"), Text($"{sample.Ended}"),
        ]),
    ];

    private static string Milliseconds(double seconds) => double.IsNaN(seconds) ? "–" : Text($"{seconds * 1e3:0.00}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
