using System.Text;
using System.Text.Json;
using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Responses;

/// <summary>Puts calls of functions together from their parts: there is no content for a part of one.</summary>
internal sealed class CallCollector
{
    private readonly StringBuilder _arguments = new();
    private string _id = "";
    private string _name = "";
    private int _index = -1;

    /// <summary>Takes parts.</summary>
    /// <returns>The calls that are whole now: those that another one follows.</returns>
    public IEnumerable<FunctionCallContent> Add(IEnumerable<ToolCallDelta> parts)
    {
        foreach (var part in parts)
        {
            if (part.Index != _index)
            {
                foreach (var whole in End(wasCut: false))
                {
                    yield return whole;
                }

                (_index, _id, _name) = (part.Index, part.Id, part.Name);
            }

            _arguments.Append(part.Arguments);
        }
    }

    /// <summary>The last call; none where there is none.</summary>
    /// <param name="wasCut">Whether the answer was cut off, so that the call may be a part of one: then it is there to be seen, not to be run.</param>
    public IEnumerable<FunctionCallContent> End(bool wasCut)
    {
        if (_index < 0)
        {
            yield break;
        }

        _index = -1;
        var call = FunctionCallContent.CreateFromParsedArguments(_arguments.ToString(), _id, _name, Parse);
        _arguments.Clear();
        call.InformationalOnly = wasCut && call.Exception is not null;
        yield return call;
    }

    private static Dictionary<string, object?>? Parse(string json)
    {
        if (json.Length == 0)
        {
            return null;
        }

        var arguments = JsonElement.Parse(json);
        return arguments.EnumerateObject().ToDictionary(member => member.Name, object? (member) => member.Value);
    }
}
