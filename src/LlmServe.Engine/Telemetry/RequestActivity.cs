using System.Diagnostics;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Telemetry;

/// <summary>The activity of a request: from its submission to its end, with events where its prompt starts to be read and where its first token comes.</summary>
internal static class RequestActivity
{
    /// <summary>Starts one as a child of the caller's, if anybody listens. The caller's stays current.</summary>
    public static Activity? Start(string model, Sequence sequence)
    {
        if (!Instruments.Activities.HasListeners())
        {
            return null;
        }

        var caller = Activity.Current;
        Activity? activity;
        try
        {
            activity = Instruments.Activities.StartActivity($"text_completion {model}");
        }
        finally
        {
            Activity.Current = caller;
        }

        return activity?.SetTag("gen_ai.operation.name", "text_completion")
            .SetTag("gen_ai.provider.name", "llmserve")
            .SetTag("gen_ai.request.model", model)
            .SetTag("gen_ai.request.max_tokens", sequence.Request.MaxTokens)
            .SetTag("gen_ai.request.temperature", (double)sequence.Request.Sampling.Temperature)
            .SetTag("gen_ai.usage.input_tokens", sequence.Tokens.PromptLength)
            .SetTag("llmserve.client", sequence.Client)
            .SetTag("llmserve.priority", sequence.Priority);
    }

    /// <summary>Ends the activity of a sequence, if it has one.</summary>
    public static void End(Sequence sequence, FinishReason reason)
    {
        if (sequence.Record.Activity is not { } activity)
        {
            return;
        }

        AddEvent(activity, "prefill", sequence, sequence.Record.Started);
        AddEvent(activity, "decode", sequence, sequence.Record.FirstToken);
        activity.SetTag("gen_ai.usage.output_tokens", sequence.Tokens.AnswerLength)
            .SetTag("gen_ai.response.finish_reasons", new[] { EngineMetrics.NameOf(reason) })
            .SetTag("llmserve.usage.cached_tokens", sequence.Record.CachedPrompt);
        if (reason == FinishReason.None)
        {
            activity.SetStatus(ActivityStatusCode.Error, "the engine failed");
        }

        activity.Dispose();
    }

    private static void AddEvent(Activity activity, string name, Sequence sequence, long at)
    {
        if (at != 0)
        {
            activity.AddEvent(new ActivityEvent(name, activity.StartTimeUtc + Stopwatch.GetElapsedTime(sequence.Record.Submitted, at)));
        }
    }
}
