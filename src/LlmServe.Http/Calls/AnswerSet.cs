using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>The answers of one request: several to one prompt, or one to each of several. They are generated at once.</summary>
internal sealed class AnswerSet : IDisposable
{
    private readonly List<Generation> _generations = [];

    /// <summary>How many there are.</summary>
    public int Count => _generations.Count;

    /// <summary>Starts all answers.</summary>
    /// <param name="front">The server.</param>
    /// <param name="call">The call.</param>
    /// <param name="inputs">One generation for each prompt.</param>
    /// <param name="each">Answers to each prompt; they draw independently.</param>
    /// <returns>Null: one cannot be, and the call's outcome says why.</returns>
    public static async ValueTask<AnswerSet?> StartAsync(HttpFront front, ServedCall call, IReadOnlyList<GenerationInput> inputs, int each)
    {
        var answers = new AnswerSet();
        try
        {
            foreach (var input in inputs)
            {
                for (int choice = 0; choice < each; choice++)
                {
                    if (await front.Core.Generations.StartAsync(call, choice == 0 ? input : WithChoice(input, choice)).ConfigureAwait(false) is not { } generation)
                    {
                        answers.Dispose();
                        return null;
                    }

                    answers._generations.Add(generation);
                }
            }

            return answers;
        }
        catch
        {
            answers.Dispose();
            throw;
        }
    }

    /// <summary>Reads all answers to their ends, at once.</summary>
    /// <param name="read">Gets each update with the number of its answer. Updates of one answer come one after the other.</param>
    public Task ReadAsync(Func<int, GenerationUpdate, ValueTask> read) => Task.WhenAll(_generations.Select((generation, index) => ReadAsync(generation, index, read)));

    /// <inheritdoc/>
    public void Dispose() => _generations.ForEach(generation => generation.Dispose());

    private static async Task ReadAsync(Generation generation, int index, Func<int, GenerationUpdate, ValueTask> read)
    {
        while (await generation.NextAsync().ConfigureAwait(false) is { } update)
        {
            await read(index, update).ConfigureAwait(false);
        }
    }

    private static GenerationInput WithChoice(GenerationInput input, int choice) => new()
    {
        Model = input.Model,
        Prompt = input.Prompt,
        NameOf = input.NameOf,
        Settings = input.Settings with { Sampling = input.Settings.Sampling with { Choice = choice } },
    };
}
