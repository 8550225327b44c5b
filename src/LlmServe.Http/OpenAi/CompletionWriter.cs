using System.Text;
using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Text;

namespace LlmServe.Http;

/// <summary>Writes the answers of <c>/v1/completions</c>, whole or as they come.</summary>
/// <param name="model">The model that answers.</param>
/// <param name="count">How many answers there are.</param>
/// <param name="each">How many of them belong to each prompt.</param>
internal sealed class CompletionWriter(ServedModel model, int count, int each)
{
    private readonly string _id = HttpFront.NewId("cmpl-");
    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    private readonly int[] _offsets = new int[count]; // characters of each answer so far
    private readonly GenerationUpdate?[] _last = new GenerationUpdate?[count];

    /// <summary>What the answers to each prompt begin with; null: nothing.</summary>
    public IReadOnlyList<string>? Echo { get; init; }

    /// <summary>Sends the parts of the answers as they come.</summary>
    public async ValueTask StreamAsync(HttpCall call, AnswerSet answers, bool wantsUsage)
    {
        var stream = call.OpenEvents();
        await answers.ReadAsync(async (index, update) =>
        {
            string text = Begin(index) + update.Text;
            if (text.Length == 0 && update is { FinishReason: FinishReason.None, LogProbabilities: null })
            {
                return;
            }

            var choice = new TextChoice(text, index, LogprobsOf(index, update, text), FinishReasons.Of(update.FinishReason));
            await stream.SendAsync(null, Part([choice]) with { Timings = TimingsOf(index, update) }, OpenAiJson.Default.TextCompletion).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (call.Call.Outcome is not null)
        {
            return;
        }

        if (wantsUsage)
        {
            await stream.SendAsync(null, Part([]) with { Usage = UsageOf() }, OpenAiJson.Default.TextCompletion).ConfigureAwait(false);
        }

        await stream.SendDoneAsync().ConfigureAwait(false);
    }

    /// <summary>Sends the answers when all have ended.</summary>
    public async ValueTask WriteAsync(HttpCall call, AnswerSet answers)
    {
        var texts = Enumerable.Range(0, count).Select(_ => new StringBuilder()).ToArray();
        var logprobs = new TextLogprobs?[count];
        await answers.ReadAsync((index, update) =>
        {
            string text = Begin(index) + update.Text;
            texts[index].Append(text);
            logprobs[index] = Join(logprobs[index], LogprobsOf(index, update, text));
            _last[index] = update;
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        if (call.Call.Outcome is not null)
        {
            return;
        }

        var choices = texts.Select((text, i) => new TextChoice(text.ToString(), i, logprobs[i], FinishReasons.Of(_last[i]!.FinishReason))).ToList();
        await call.WriteAsync(
            Part(choices) with { Usage = UsageOf(), Timings = count == 1 ? LlamaTimings.Of(_last[0]!.Usage!, _last[0]!.Timings!) : null },
            OpenAiJson.Default.TextCompletion).ConfigureAwait(false);
    }

    private TextCompletion Part(IReadOnlyList<TextChoice> choices) =>
        new() { Id = _id, Created = _created, Model = model.Id, SystemFingerprint = HttpFront.FingerprintOf(model), Choices = choices };

    /// <summary>What an answer begins with, the first time.</summary>
    private string Begin(int index) => Echo is not null && _offsets[index] == 0 ? Echo[index / each] : "";

    private LlamaTimings? TimingsOf(int index, GenerationUpdate update)
    {
        if (update.FinishReason == FinishReason.None)
        {
            return null;
        }

        _last[index] = update;
        return LlamaTimings.Of(update.Usage!, update.Timings!);
    }

    private OpenAiUsage UsageOf()
    {
        var usages = _last.Select(update => update!.Usage!).ToList();
        return OpenAiUsage.Of(usages.Where((_, i) => i % each == 0), usages);
    }

    private TextLogprobs? LogprobsOf(int index, GenerationUpdate update, string text)
    {
        int offset = _offsets[index];
        _offsets[index] += text.Length;
        if (update.LogProbabilities is not { Count: > 0 } found)
        {
            return null;
        }

        var tokens = found.Select(token => TokenTexts.Of(model.Engine.Tokenizer, token.Token)).ToList();
        var offsets = new List<int>();
        foreach (string token in tokens)
        {
            offsets.Add(offset);
            offset += token.Length;
        }

        return new TextLogprobs(
            tokens, [.. found.Select(token => (double)token.LogProbability)], [.. found.Select(token => Top(token, model.Engine.Tokenizer))], offsets);
    }

    private static Dictionary<string, double> Top(TokenLogProbability token, ITokenizer tokenizer)
    {
        var top = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (id, probability) in token.Top)
        {
            // Two tokens may have the same text; the likelier one comes first.
            top.TryAdd(TokenTexts.Of(tokenizer, id), Finite(probability));
        }

        return top;
    }

    private static double Finite(float probability) => float.IsFinite(probability) ? probability : -9999;

    private static TextLogprobs? Join(TextLogprobs? first, TextLogprobs? second) => first is null ? second : second is null ? first : new TextLogprobs(
        [.. first.Tokens, .. second.Tokens], [.. first.TokenLogprobs, .. second.TokenLogprobs], [.. first.TopLogprobs, .. second.TopLogprobs], [.. first.TextOffset, .. second.TextOffset]);
}
