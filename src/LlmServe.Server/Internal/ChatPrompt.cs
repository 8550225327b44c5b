using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Server.Internal;

/// <summary>Checks a conversation and turns it into prompt tokens, through the model's chat template.</summary>
internal sealed class ChatPrompt(ServerOptions options)
{
    /// <summary>A typing mistake in a role would silently give a worse prompt, so only known ones pass.</summary>
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>Names that have a place of their own in the request, or come from the model.</summary>
    private static readonly string[] Reserved = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"];

    /// <summary>Gives the ids of the rendered conversation.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT naming the field at fault, or FAILED_PRECONDITION without a template.</exception>
    /// <exception cref="TemplateException">The template refuses the conversation or fails; the status interceptor translates it.</exception>
    public List<int> Read(V1.ChatRequest request, ServedModel model)
    {
        if (model.Template is not { } template)
        {
            throw Failures.Model($"the model '{model.Id}' has no chat template; use TextService.Generate, or start the server with a template");
        }

        var tokenizer = model.Engine.Tokenizer;
        var prompt = template.Render(new ChatTemplateInput
        {
            Messages = ReadMessages(request.Messages),
            Tools = ReadTools(request.ToolsJson),
            Variables = ReadVariables(request.TemplateVariablesJson),
            AddGenerationPrompt = !request.HasAddGenerationPrompt || request.AddGenerationPrompt,
            BosToken = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
            EosToken = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
            Now = options.Clock.GetLocalNow(),
        });

        // The template writes the special tokens itself, a beginning-of-sequence token included where the model wants one. Those that a message spells
        // out stay text.
        var ids = new List<int>();
        tokenizer.Encode(prompt.Text, addSpecial: false, prompt.Inputs, ids);
        return ids.Count > 0 ? ids : throw Failures.Invalid("messages", "the chat template makes an empty prompt out of them");
    }

    private TemplateMessage[] ReadMessages(IReadOnlyList<V1.ChatMessage> messages)
    {
        if (messages.Count == 0 || messages.Count > options.MaxMessages)
        {
            throw Failures.Invalid("messages", $"has {messages.Count} messages; allowed are 1 … {options.MaxMessages}");
        }

        var elements = new TemplateMessage[messages.Count];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = ReadMessage(messages[i], $"messages[{i}]");
        }

        return elements;
    }

    private static TemplateMessage ReadMessage(V1.ChatMessage message, string field)
    {
        if (!Roles.Contains(message.Role))
        {
            throw Failures.Invalid($"{field}.role", $"is '{Failures.Shorten(message.Role)}'; allowed are {string.Join(", ", Roles)}");
        }

        var fields = new List<KeyValuePair<string, TemplateValue>>();
        foreach (var property in JsonText.Object(message.FieldsJson, $"{field}.fields_json"))
        {
            if (property.Key is "role" or "content")
            {
                throw Failures.Invalid($"{field}.fields_json", $"has the key '{property.Key}', which the message has a field for");
            }

            fields.Add(new(property.Key, property.Value));
        }

        return new TemplateMessage(message.Role, message.HasContent ? TemplateValue.FromText(message.Content) : null, fields);
    }

    private static TemplateValue? ReadTools(string json)
    {
        if (json.Length == 0)
        {
            return null;
        }

        var tools = JsonText.Parse(json, "tools_json");
        return tools.ValueKind == JsonValueKind.Array
            ? tools
            : throw Failures.Invalid("tools_json", $"is a JSON {JsonText.NameOf(tools.ValueKind)}; an array of tools is needed");
    }

    private static Dictionary<string, TemplateValue> ReadVariables(string json)
    {
        var variables = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        foreach (var (name, value) in JsonText.Object(json, "template_variables_json"))
        {
            if (Reserved.Contains(name))
            {
                throw Failures.Invalid("template_variables_json", $"has the key '{name}', which the server sets");
            }

            variables.Add(name, value);
        }

        return variables;
    }
}
