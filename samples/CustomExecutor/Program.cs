// The engine on a machine of one's own: scheduling, sampling, stop texts and streaming work on whatever implements IProgramExecutor.
// usage: CustomExecutor MODEL.gguf [START]; the model lends its vocabulary only
using LlmServe.Engine;
using LlmServe.Gguf;
using LlmServe.Samples.CustomExecutor;
using LlmServe.Text;

const string Text = """
    The sea is wide and the sea is deep, and the wind sings over the sea. The ship sails with the wind, and the wind fills the sails of the ship.
    The night is long and the night is dark, and the stars shine over the ship. The sea sleeps under the stars, and the ship dreams of the land.
    """;
using var file = GgufFile.Open(args[0]);
var tokenizer = TokenizerFactory.Create(file.Metadata);
var read = new List<int>();
tokenizer.Encode(Text, addSpecial: false, parseSpecial: false, read);
await using var engine = new LlmEngine(new BigramExecutor(tokenizer.VocabularySize, read), tokenizer, new EngineOptions { MaxSequences = 4, MaxRowsPerTick = 32 });

string start = args.Length > 1 ? args[1] : "The";
var prompt = new List<int>();
tokenizer.Encode(start, addSpecial: false, parseSpecial: false, prompt);
var requests = Enumerable.Range(0, 3).Select(seed => new GenerationRequest
{
    Prompt = prompt, MaxTokens = 24, Sampling = new SamplingOptions { Temperature = 0.8f, Seed = (ulong)seed },
});
foreach (var request in requests)
{
    Console.Write(start);
    await foreach (var update in engine.Submit(request, CancellationToken.None).ReadAllAsync())
    {
        Console.Write(update.Text);
    }

    Console.WriteLine();
}
