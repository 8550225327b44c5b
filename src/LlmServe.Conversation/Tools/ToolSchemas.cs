using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using LlmServe.Constraints;

namespace LlmServe.Conversation;

/// <summary>Which schemas of tools can be honoured; remembered, since the same tools come with every turn.</summary>
internal sealed class ToolSchemas
{
    private const int MostRemembered = 4096;

    private readonly ConcurrentDictionary<string, ConstraintException?> _problems = new(StringComparer.Ordinal);

    /// <summary>The schema for a tool's arguments; null: they are any object, since there is no schema, or one that cannot be honoured.</summary>
    /// <exception cref="ConversationException">It cannot be honoured, and the tool is strict.</exception>
    public ArgumentSchema? Of(ToolDefinition tool, ConversationRequest request)
    {
        if (tool.Parameters is not { } parameters)
        {
            return null;
        }

        string digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(parameters.GetRawText())));
        if (!_problems.TryGetValue(digest, out var problem))
        {
            if (_problems.Count >= MostRemembered)
            {
                _problems.Clear();
            }

            _problems[digest] = problem = Check(ArgumentSchema.Of(parameters));
        }

        if (problem is not null && tool.Strict)
        {
            string message = problem.Message.StartsWith(problem.Place, StringComparison.Ordinal) ? problem.Message[problem.Place.Length..].TrimStart(':', ' ') : problem.Message;
            string place = problem.Place.StartsWith('#') ? problem.Place[1..] : ""; // a place that is no pointer is the schema as a whole
            throw new ConversationException($"{request.PathOf(tool)}.parameters{place}", message, problem);
        }

        return problem is null ? ArgumentSchema.Of(parameters) : null;
    }

    private static ConstraintException? Check(ArgumentSchema schema)
    {
        try
        {
            ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.JsonSchema, schema.ForObjects().GetRawText()));
            return null;
        }
        catch (ConstraintException problem)
        {
            return problem;
        }
    }
}
