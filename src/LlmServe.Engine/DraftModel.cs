using LlmServe.Execution;
using LlmServe.Text;

namespace LlmServe.Engine;

/// <summary>
/// A smaller model that guesses tokens ahead for a larger one, which verifies them: answers stay the same bit by bit, whatever the draft says, and come
/// faster where it is often right. The engine that gets it owns its executor.
/// </summary>
/// <param name="Executor">Runs the draft; best on the same lanes as the larger model, since the two never run at once.</param>
/// <param name="Tokenizer">Its tokenizer, which must be that of the larger model.</param>
public sealed record DraftModel(IProgramExecutor Executor, ITokenizer Tokenizer)
{
    /// <summary>
    /// Called once, on the engine's thread, when the draft fails; the engine goes on without it. <see cref="SpeculationStatistics.ModelFailed"/> says so too.
    /// </summary>
    public Action<Exception>? OnFailure { get; init; }

    /// <summary>Compares the vocabularies.</summary>
    /// <param name="target">The larger model's tokenizer.</param>
    /// <exception cref="ArgumentException">They differ, and the message says where first; or the model has recurrent layers.</exception>
    public void RequireVocabularyOf(ITokenizer target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (Executor.Memory.States is not null)
        {
            throw new ArgumentException("the draft model has recurrent layers, whose drafts could not be taken back; choose one with attention alone");
        }

        if (FirstDifference(target, Tokenizer) is { } difference)
        {
            throw new ArgumentException($"the draft model has another vocabulary: {difference}; choose a draft model of the same family");
        }
    }

    private static string? FirstDifference(ITokenizer target, ITokenizer draft)
    {
        if (target.VocabularySize != draft.VocabularySize)
        {
            return $"it has {draft.VocabularySize} tokens, the model {target.VocabularySize}";
        }

        for (int id = 0; id < target.VocabularySize; id++)
        {
            if (target.KindOf(id) != draft.KindOf(id) || target.PieceOf(id) != draft.PieceOf(id))
            {
                return $"token {id} is '{draft.PieceOf(id)}' ({draft.KindOf(id)}), in the model '{target.PieceOf(id)}' ({target.KindOf(id)})";
            }
        }

        return Difference("beginning-of-sequence token", target.BosId, draft.BosId)
            ?? Difference("end-of-sequence token", target.EosId, draft.EosId)
            ?? EndDifference(target.EndOfGenerationIds, draft.EndOfGenerationIds);
    }

    private static string? Difference(string what, int? target, int? draft) =>
        target == draft ? null : $"its {what} is {Name(draft)}, the model's {Name(target)}";

    private static string? EndDifference(IReadOnlySet<int> target, IReadOnlySet<int> draft)
    {
        foreach (int id in target.Union(draft).Order())
        {
            if (!target.Contains(id) || !draft.Contains(id))
            {
                return $"token {id} ends answers of {(target.Contains(id) ? "the model" : "the draft")} only";
            }
        }

        return null;
    }

    private static string Name(int? id) => id is { } number ? $"{number}" : "none";
}
