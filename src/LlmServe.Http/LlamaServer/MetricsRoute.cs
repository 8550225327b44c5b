using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>GET /metrics</c>: llama-server's few numbers for Prometheus. The server's own page has many more.</summary>
internal static class MetricsRoute
{
    /// <summary>Adds the route.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front) =>
        routes.MapGet("/metrics", http => front.Calls.RunAsync(http, LlamaErrors.Shape, call => WriteAsync(front, call)));

    private static async ValueTask WriteAsync(HttpFront front, HttpCall call)
    {
        var totals = front.Core.Totals.Now;
        var engines = front.Core.Models.All.Select(model => model.Engine).Distinct().Select(engine => engine.Statistics).ToList();
        var text = new StringBuilder();
        Add(text, "counter", "prompt_tokens_total", "Number of prompt tokens processed.", totals.PromptTokens);
        Add(text, "counter", "prompt_seconds_total", "Prompt process time.", totals.PromptSeconds);
        Add(text, "counter", "tokens_predicted_total", "Number of generation tokens processed.", totals.AnswerTokens);
        Add(text, "counter", "tokens_predicted_seconds_total", "Predict process time.", totals.AnswerSeconds);
        Add(text, "counter", "n_decode_total", "Total number of ticks.", engines.Sum(engine => engine.Ticks));
        Add(text, "gauge", "prompt_tokens_seconds", "Average prompt throughput in tokens/s.", Rate(totals.PromptTokens, totals.PromptSeconds));
        Add(text, "gauge", "predicted_tokens_seconds", "Average generation throughput in tokens/s.", Rate(totals.AnswerTokens, totals.AnswerSeconds));
        Add(text, "gauge", "requests_processing", "Number of requests processing.", engines.Sum(engine => engine.Running));
        Add(text, "gauge", "requests_deferred", "Number of requests deferred.", engines.Sum(engine => engine.Waiting));
        call.Http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await call.Http.Response.WriteAsync(text.ToString(), CancellationToken.None).ConfigureAwait(false);
    }

    private static double Rate(long tokens, double seconds) => seconds > 0 ? tokens / seconds : 0;

    private static void Add(StringBuilder text, string type, string name, string help, double value) => text.Append(
        CultureInfo.InvariantCulture, $"# HELP llamacpp:{name} {help}\n# TYPE llamacpp:{name} {type}\nllamacpp:{name} {value}\n");
}
