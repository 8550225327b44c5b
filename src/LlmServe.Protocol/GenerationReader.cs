using System.Text.Json;
using LlmServe.Serving;
using LlmServe.Text.Templates;

namespace LlmServe.Protocol;

/// <summary>Turns the messages of the proto into generations of the core.</summary>
/// <param name="models">The models that requests name.</param>
/// <param name="options">What is taken.</param>
/// <param name="defaultOutputTokens">Most tokens of an answer to a request that names no limit; null: as many as the context holds.</param>
internal sealed class GenerationReader(ModelCatalog models, ServingOptions options, int? defaultOutputTokens)
{
    /// <summary>Reads a conversation.</summary>
    /// <exception cref="RequestException">There is no such model, or a JSON text is wrong.</exception>
    public GenerationInput Read(V1.ChatRequest request)
    {
        RefuseParsing(request);
        return ReadChat(request);
    }

    private GenerationInput ReadChat(V1.ChatRequest request) => new()
    {
        Model = models.Find(request.Model),
        Settings = OptionsReader.Read(request.Options, defaultOutputTokens),
        NameOf = OptionsReader.NameOf,
        Prompt = new ConversationPrompt
        {
            Field = "messages",
            Messages = ReadMessages(request.Messages),
            Tools = ReadTools(request.ToolsJson),
            Variables = Values(JsonText.Object(request.TemplateVariablesJson, "template_variables_json")),
            VariablesField = "template_variables_json",
            AddGenerationPrompt = !request.HasAddGenerationPrompt || request.AddGenerationPrompt,
        },
    };

    /// <summary>Reads a text or token ids.</summary>
    /// <exception cref="RequestException">There is no such model, or no prompt.</exception>
    public GenerationInput Read(V1.GenerateRequest request) => new()
    {
        Model = models.Find(request.Model),
        Settings = OptionsReader.Read(request.Options, defaultOutputTokens),
        NameOf = OptionsReader.NameOf,
        Prompt = request.PromptCase switch
        {
            V1.GenerateRequest.PromptOneofCase.Text => ReadText(request.Text, request.Tokenization),
            V1.GenerateRequest.PromptOneofCase.TokenIds => new TokenPrompt(request.TokenIds.Ids) { Field = "token_ids.ids" },
            _ => throw Failure.Invalid("text", "the request has no prompt; set text or token_ids").ToException(),
        },
    };

    /// <summary>Reads a size without a prompt.</summary>
    /// <exception cref="RequestException">There is no such model, or a number is out of its range.</exception>
    public GenerationInput Read(V1.RequestSize size)
    {
        var model = models.Find(size.Model);
        int? wanted = size.HasMaxTokens ? size.MaxTokens : null;
        if (size.PromptTokens < 1)
        {
            throw Failure.Invalid("size.prompt_tokens", $"is {size.PromptTokens}; allowed is 1 or more").ToException();
        }

        return wanted is < 1 ? throw Failure.Invalid("size.max_tokens", $"is {wanted}; allowed is 1 or more").ToException() : new GenerationInput
        {
            Model = model,
            Settings = new GenerationSettings { MaxTokens = wanted, DefaultMaxTokens = defaultOutputTokens },
            NameOf = name => $"size.{name}",
            Prompt = new TokenPrompt([]) { Field = "size.prompt_tokens" },
        };
    }

    /// <summary>Reads a text.</summary>
    public static TextPrompt ReadText(string text, V1.TokenizationOptions? options) => new(
        text, options is not { HasAddSpecial: true, AddSpecial: false }, options is not { HasParseSpecial: true, ParseSpecial: false }) { Field = "text" };

    /// <summary>Refuses what would otherwise be passed over in silence.</summary>
    private static void RefuseParsing(V1.ChatRequest request)
    {
        string? field = request switch
        {
            { ParseOutput: true } => "parse_output",
            { ToolChoice: not null } => "tool_choice",
            { HasParallelToolCalls: true } => "parallel_tool_calls",
            { Reasoning: not null } => "reasoning",
            _ => null,
        };
        if (field is not null)
        {
            throw Failure.Invalid(field, "this server does not read answers; leave it out").ToException();
        }
    }

    private TemplateMessage[] ReadMessages(IReadOnlyList<V1.ChatMessage> messages)
    {
        // Checked before anything is made of them, since an empty message takes two bytes of a request.
        if (messages.Count > options.MaxMessages)
        {
            throw Failure.Invalid("messages", $"has {messages.Count} messages; allowed are 1 … {options.MaxMessages}").ToException();
        }

        var read = new TemplateMessage[messages.Count];
        for (int i = 0; i < read.Length; i++)
        {
            var message = messages[i];
            var content = message.HasContent ? TemplateValue.FromText(message.Content) : null;
            read[i] = new TemplateMessage(message.Role, content, ReadFields(message.FieldsJson, $"messages[{i}].fields_json"));
        }

        return read;
    }

    private static KeyValuePair<string, TemplateValue>[] ReadFields(string json, string field)
    {
        var fields = JsonText.Object(json, field);
        foreach (var (key, _) in fields)
        {
            if (key is "role" or "content")
            {
                throw Failure.Invalid(field, $"has the key '{key}', which the message has a field for").ToException();
            }
        }

        return Values(fields);
    }

    private static KeyValuePair<string, TemplateValue>[] Values(List<KeyValuePair<string, JsonElement>> members) =>
        [.. members.Select(member => new KeyValuePair<string, TemplateValue>(member.Key, member.Value))];

    private static TemplateValue? ReadTools(string json)
    {
        if (json.Length == 0)
        {
            return null;
        }

        var tools = JsonText.Parse(json, "tools_json");
        return tools.ValueKind == JsonValueKind.Array
            ? tools
            : throw Failure.Invalid("tools_json", $"is a JSON {JsonText.NameOf(tools.ValueKind)}; an array of tools is needed").ToException();
    }
}
