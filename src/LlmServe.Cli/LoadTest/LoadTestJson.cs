using System.Globalization;
using System.Text.Json;

namespace LlmServe.Cli.LoadTest;

/// <summary>The report as JSON: base units (seconds, bytes, per second); what was not measured is absent.</summary>
internal static class LoadTestJson
{
    /// <summary>Writes the properties of the report.</summary>
    public static void Write(Utf8JsonWriter writer, LoadTestReport report)
    {
        writer.WriteString("server", report.Server);
        WritePlan(writer, report.Plan);
        var load = report.Load;
        Number(writer, "elapsed_seconds", load.Elapsed);
        writer.WriteStartObject("requests");
        foreach (var outcome in Enum.GetValues<Outcome>())
        {
            writer.WriteNumber(outcome.ToString().ToLowerInvariant(), load.Count(outcome));
        }

        writer.WriteEndObject();
        writer.WriteNumber("prompt_tokens", load.PromptTokens);
        writer.WriteNumber("cached_prompt_tokens", load.CachedTokens);
        writer.WriteNumber("output_tokens", load.OutputTokens);
        Number(writer, "prompt_tokens_per_second", report.PromptRate);
        Number(writer, "output_tokens_per_second", report.OutputRate);
        Number(writer, "one_stream_tokens_per_second", report.BaselineRate);
        Number(writer, "over_one_stream", report.OutputRate / report.BaselineRate);
        Times(writer, "first_token_seconds", load.FirstToken);
        Times(writer, "inter_token_seconds", load.InterToken);
        Times(writer, "queue_seconds", load.Queue);
        WriteParts(writer, report);
        writer.WriteStartArray("violations");
        foreach (string violation in report.Violations)
        {
            writer.WriteStringValue(violation);
        }

        writer.WriteEndArray();
    }

    private static void WritePlan(Utf8JsonWriter writer, LoadTestPlan plan)
    {
        writer.WriteStartObject("plan");
        writer.WriteNumber("streams", plan.Streams);
        writer.WriteString("arrival", plan.Arrival.ToString());
        writer.WriteString("prompt_tokens", plan.PromptTokens.ToString());
        writer.WriteString("output_tokens", plan.OutputTokens.ToString());
        writer.WriteNumber("shared_prefix", plan.SharedPrefix);
        writer.WriteNumber("cancel", plan.CancelShare);
        writer.WriteNumber("slow", plan.SlowShare);
        writer.WriteNumber("disconnect", plan.DisconnectShare);
        writer.WriteNumber("seed", plan.Seed);
        writer.WriteEndObject();
    }

    private static void WriteParts(Utf8JsonWriter writer, LoadTestReport report)
    {
        if (report.Health is { } health)
        {
            Times(writer, "health_seconds", health.Times);
            writer.WriteNumber("health_failures", health.Failures);
        }

        if (report.LongPrompt is { } prompt)
        {
            writer.WriteStartObject("long_prompt");
            writer.WriteNumber("tokens", prompt.Tokens);
            writer.WriteNumber("streams_beside", prompt.StreamsBeside);
            Number(writer, "first_token_seconds", prompt.LoadedSeconds);
            Number(writer, "alone_seconds", prompt.AloneSeconds);
            Number(writer, "share_of_alone", prompt.LoadedRate / prompt.AloneRate);
            Times(writer, "others_inter_token_seconds", report.Load.InWindow);
            writer.WriteEndObject();
        }

        if (report.Check is { } check)
        {
            writer.WriteStartObject("verified");
            writer.WriteNumber("checked", check.Checked);
            writer.WriteNumber("finished", check.Finished);
            writer.WriteNumber("different", check.DifferentCount);
            writer.WriteEndObject();
        }

        if (report.Soak is { } soak)
        {
            WriteSoak(writer, soak);
        }
    }

    private static void WriteSoak(Utf8JsonWriter writer, SoakResult soak)
    {
        writer.WriteStartObject("soak");
        writer.WriteNumber("lost_kv_blocks", soak.LostBlocks);
        writer.WriteNumber("left_sequences", soak.LeftSequences);
        Number(writer, "resident_bytes_per_hour", soak.ResidentSlope);
        Number(writer, "heap_bytes_per_hour", soak.HeapSlope);
        writer.WriteStartArray("samples");
        foreach (var sample in soak.Samples)
        {
            writer.WriteStartObject();
            Number(writer, "seconds", sample.Seconds);
            writer.WriteNumber("resident_bytes_without_kv", sample.ResidentBytes);
            writer.WriteNumber("heap_bytes", sample.HeapBytes);
            writer.WriteNumber("free_kv_blocks", sample.FreeBlocks);
            writer.WriteNumber("running", sample.Running);
            writer.WriteNumber("waiting", sample.Waiting);
            writer.WriteNumber("open", sample.Open);
            writer.WriteNumber("ended", sample.Ended);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Times(Utf8JsonWriter writer, string name, LatencyHistogram times)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("count", times.Count);
        Number(writer, "p50", times.Quantile(0.5));
        Number(writer, "p90", times.Quantile(0.9));
        Number(writer, "p99", times.Quantile(0.99));
        Number(writer, "max", times.Max);
        writer.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
        }
    }
}
