using System.Text;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Reads a call that is a JSON object with a name and an object of arguments, in any order; arguments go on as they come once the name is known.</summary>
internal static class CallObject
{
    /// <summary>Reads an object.</summary>
    /// <param name="reader">The answer; the object is next.</param>
    /// <param name="nameKey">Key of the name.</param>
    /// <param name="argumentsKey">Key of the arguments.</param>
    /// <param name="idKey">Key of the id; null where there is none.</param>
    /// <param name="otherKeys">Keys whose values are strings without meaning.</param>
    public static async Reading ReadAsync(AnswerReader reader, string nameKey, string argumentsKey, string? idKey, params string[] otherKeys)
    {
        string? name = null;
        string? id = null;
        StringBuilder? early = null;
        bool hasArguments = false;
        await reader.TakeAsync("{");
        do
        {
            await reader.SkipSpaceAsync();
            string key = await reader.JsonStringAsync();
            await reader.SkipSpaceAsync();
            await reader.TakeAsync(":");
            await reader.SkipSpaceAsync();
            if (key == nameKey && name is null)
            {
                name = await reader.JsonStringAsync();
                if (!reader.Tools.IsCallable(name))
                {
                    throw new MalformedCallException();
                }
            }
            else if (key == argumentsKey && !hasArguments)
            {
                hasArguments = true;
                early = await ReadArgumentsAsync(reader, name, id);
            }
            else if (key == idKey)
            {
                id = await reader.JsonStringAsync();
            }
            else if (otherKeys.Contains(key))
            {
                await reader.JsonStringAsync();
            }
            else
            {
                throw new MalformedCallException();
            }

            await reader.SkipSpaceAsync();
        }
        while (await reader.TryTakeAsync(","));

        await reader.TakeAsync("}");
        if (name is null || !hasArguments)
        {
            throw new MalformedCallException();
        }

        if (early is not null)
        {
            reader.StartCall(name, id);
            reader.Writer.Arguments(early.ToString());
        }

        reader.Writer.EndCall();
    }

    /// <summary>Reads a list of objects.</summary>
    public static async Reading ReadListAsync(AnswerReader reader, string nameKey, string argumentsKey, string? idKey, params string[] otherKeys)
    {
        await reader.TakeAsync("[");
        do
        {
            await reader.SkipSpaceAsync();
            await ReadAsync(reader, nameKey, argumentsKey, idKey, otherKeys);
            await reader.SkipSpaceAsync();
        }
        while (await reader.TryTakeAsync(","));

        await reader.TakeAsync("]");
    }

    private static async Reading<StringBuilder?> ReadArgumentsAsync(AnswerReader reader, string? name, string? id)
    {
        if (name is not null)
        {
            reader.StartCall(name, id);
            await reader.JsonAsync('{', reader.Writer.Arguments);
            return null;
        }

        var early = new StringBuilder();
        await reader.JsonAsync('{', text => early.Append(text));
        return early;
    }
}
