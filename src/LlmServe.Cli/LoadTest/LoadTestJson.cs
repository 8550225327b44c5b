using System.Text.Json;
using LlmServe.Cli.Json;

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
        writer.WriteFigure("elapsed_seconds", load.Elapsed);
        writer.WriteStartObject("requests");
        foreach (var outcome in Enum.GetValues<Outcome>())
        {
            writer.WriteNumber(outcome.ToString().ToLowerInvariant(), load.Count(outcome));
        }

        writer.WriteEndObject();
        writer.WriteNumber("prompt_tokens", load.PromptTokens);
        writer.WriteNumber("cached_prompt_tokens", load.CachedTokens);
        writer.WriteNumber("output_tokens", load.OutputTokens);
        writer.WriteFigure("prompt_tokens_per_second", report.PromptRate);
        writer.WriteFigure("output_tokens_per_second", report.OutputRate);
        writer.WriteFigure("one_stream_tokens_per_second", report.BaselineRate);
        writer.WriteFigure("over_one_stream", report.OutputRate / report.BaselineRate);
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
        if (plan.Requests is { } requests)
        {
            writer.WriteNumber("requests", requests);
        }

        if (plan.Duration is { } duration)
        {
            writer.WriteFigure("duration_seconds", duration.TotalSeconds);
        }

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
            writer.WriteFigure("first_token_seconds", prompt.LoadedSeconds);
            writer.WriteFigure("alone_seconds", prompt.AloneSeconds);
            writer.WriteFigure("share_of_alone", prompt.LoadedRate / prompt.AloneRate);
            Times(writer, "others_inter_token_seconds", report.Load.InWindow);
            writer.WriteEndObject();
        }

        if (report.Engine is { } engine)
        {
            writer.WriteStartObject("engine");
            writer.WriteNumber("ticks", engine.Ticks);
            writer.WriteNumber("preemptions", engine.Preemptions);
            writer.WriteNumber("guesses", engine.Speculation.LookupDrafts + engine.Speculation.ModelDrafts);
            writer.WriteNumber("guesses_accepted", engine.Speculation.LookupAccepted + engine.Speculation.ModelAccepted);
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
        writer.WriteFigure("resident_bytes_per_hour", soak.ResidentSlope);
        writer.WriteFigure("heap_bytes_per_hour", soak.HeapSlope);
        writer.WriteStartArray("samples");
        foreach (var sample in soak.Samples)
        {
            writer.WriteStartObject();
            writer.WriteFigure("seconds", sample.Seconds);
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
        writer.WriteFigure("p50", times.Quantile(0.5));
        writer.WriteFigure("p90", times.Quantile(0.9));
        writer.WriteFigure("p99", times.Quantile(0.99));
        writer.WriteFigure("max", times.Max);
        writer.WriteEndObject();
    }
}
