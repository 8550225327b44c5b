using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

public class LlmEngineTests
{
    [Fact]
    public async Task Submit_ScriptedAnswer_StreamsItsTextAndStops()
    {
        var next = FakeScript.After(EngineTest.Tokenizer, "assistant", " the sky is blue 😀日本");
        await using var engine = EngineTest.Start(new FakeExecutor(new FakeExecutorOptions { Next = next }));
        var request = EngineTest.Request("Why? assistant");

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(" the sky is blue 😀日本", answer.Text);
        Assert.Equal(FinishReason.Stop, answer.Reason);
        Assert.Equal(FakeTokenizer.Eos, answer.Tokens[^1]);
        Assert.Equal(new Usage(request.Prompt.Count, answer.Tokens.Length, 0), answer.Usage);
        Assert.True(answer.Timings is { Queue: >= 0, Prefill: > 0, Decode: >= 0 });
    }
}
