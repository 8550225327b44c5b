using System.Text.Json;
using System.Text.Json.Nodes;
using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Parsing;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

/// <summary>
/// What a template writes for an assistant's calls is what its model writes: taken apart by the format that the template's marks tell, it gives the same calls.
/// </summary>
public sealed class TemplateTests
{
    /// <summary>
    /// For each template: the format of its calls; what it can do (Tools, Calls, Parallel calls, Object arguments, Nine-letter ids, Results of tools, System
    /// message, Many system messages, Developer, null content, Empty content, teXt content); the variable, the mark and the field of its reasoning; the
    /// number of cases whose calls, as it writes them, are read back. The cases that are not: arguments that are no object, a template that writes no
    /// calls or but the first of them.
    /// </summary>
    private const string Expected = """
        Bielik-11B-v3.0-Instruct: hermes TCPORS0EX [enable_thinking <think> reasoning_content], 6 read back
        CohereForAI-c4ai-command-r-plus-tool_use: command-r-plus TCPORSM0EX [], 0 read back
        CohereForAI-c4ai-command-r7b-12-2024-tool_use: command-r TCPORSM0EX [enable_thinking <|START_THINKING|> reasoning_content], 4 read back
        GLM-4.7-Flash: glm4.7 TCPORSM0EX [enable_thinking <think> reasoning_content], 1 read back
        GigaChat3-10B-A1.8B: generic TCORSMD0EX [], 0 read back
        GigaChat3.1-10B-A1.8B: gigachat TCORSMD0EX [], 6 read back
        HuggingFaceTB-SmolLM3-3B: generic RSX [enable_thinking <think>], 0 read back
        Kimi-K2-Instruct: kimi-k2 TSMDX [], 0 read back
        Kimi-K3: generic TCPORSM0EX [thinking reasoning_content], 0 read back
        LFM2.5-8B-A1B: lfm2 TCPORSMD0EX [<think> reasoning_content], 5 read back
        LFM2.5-Instruct: generic TRSMDX [<think>], 0 read back
        MiMo-VL: hermes TCPORSM0EX [], 6 read back
        MiniMax-M1: minimax-m1 TCPORS0EX [], 7 read back
        MiniMax-M3: generic TCPORSD0EX [<mm:think> reasoning_content], 0 read back
        Mistral-Small-3.2-24B-Instruct-2506: mistral-call-id TCPONRS0EX [], 5 read back
        NVIDIA-Nemotron-Nano-v2: nemotron-nano-2 TCPORS0EX [<think>], 1 read back
        NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use: hermes TCPORSM0EX [], 5 read back
        Qwen-Qwen2.5-7B-Instruct: hermes TCPORSM0EX [], 6 read back
        Qwen-Qwen3-0.6B: hermes TCPORSMEX [enable_thinking <think> reasoning_content], 6 read back
        Qwen3-Coder: qwen3-coder-xml TCPORSMD0EX [], 5 read back
        Qwen3.5-4B: qwen3-coder-xml TCPORS0EX [enable_thinking <think> reasoning_content], 4 read back
        Reka-Edge: hermes TCPORSD0EX [enable_thinking <think>], 5 read back
        Spark2.5: glm4.7 TCPORSM0EX [enable_thinking <think> reasoning_content], 1 read back
        StepFun3.5-Flash: qwen3-coder-xml TCPORSM0EX [<think> reasoning_content], 6 read back
        deepseek-ai-DeepSeek-R1-Distill-Llama-8B: deepseek-r1 RSX [<think>], 0 read back
        deepseek-ai-DeepSeek-R1-Distill-Qwen-32B: deepseek-r1 CPORSEX [enable_thinking <think>], 0 read back
        deepseek-ai-DeepSeek-V3.1: deepseek-v3.1 CPORSM0EX [enable_thinking <think>], 6 read back
        deepseek-ai-DeepSeek-V4: deepseek-dsml TCPORSMD0EX [enable_thinking <think> effort], 5 read back
        deepseek-ai-DeepSeek-V4-Flash-0731: deepseek-dsml TCPORSMD0EX [enable_thinking <think> effort], 5 read back
        google-gemma-2-2b-it: generic X [], 0 read back
        google-gemma-4-31B-it: gemma4 TCPORSMD0EX [enable_thinking <|channel>thought reasoning_content], 0 read back
        google-gemma-4-31B-it-interleaved: gemma4 TCPORSMD0EX [enable_thinking <|channel>thought reasoning_content], 0 read back
        ibm-granite-granite-3.3-2B-Instruct: granite TRSMDX [thinking <think>], 0 read back
        ibm-granite-granite-4.1: hermes TCPORSM0EX [], 5 read back
        inclusionai-ling-3.0-flash: glm4.5 TCPORSM0EX [enable_thinking <think> reasoning_content], 6 read back
        llama-cpp-deepseek-r1: deepseek-r1 SX [<think>], 0 read back
        llama-cpp-rwkv-world: generic SX [enable_thinking <think>], 0 read back
        meetkai-functionary-medium-v3.1: functionary-v3.1 TCPORSMD0EX [], 6 read back
        meetkai-functionary-medium-v3.2: functionary-v3.2 TCPRSMD0EX [], 6 read back
        meta-llama-Llama-3.1-8B-Instruct: llama3-json TCORSMD0EX [], 5 read back
        meta-llama-Llama-3.2-3B-Instruct: llama3-json TCORSMD0EX [], 6 read back
        meta-llama-Llama-3.3-70B-Instruct: llama3-json TCORSMD0EX [], 5 read back
        microsoft-Phi-3.5-mini-instruct: generic SMX [], 0 read back
        mistralai-Mistral-Nemo-Instruct-2407: mistral TCPONRS0EX [], 4 read back
        moonshotai-Kimi-K2: kimi-k2 TCPORSMD0EX [], 6 read back
        muse-glimmer: atem TCPORSM0EX [reasoning_content], 4 read back
        openai-gpt-oss-120b: gpt-oss-harmony TCORSD0EX [reasoning_content effort], 5 read back
        openbmb-MiniCPM5-1B: minicpm5 TCPORSM0EX [enable_thinking <think> reasoning_content], 6 read back
        poolside-Laguna-S-2.1: glm4.5 TCPORSM0EX [enable_thinking <think> reasoning_content], 6 read back
        poolside-Laguna-XS-2.1: glm4.5 TCPORSM0EX [enable_thinking <think> reasoning_content], 5 read back
        poolside-Laguna-XS.2: glm4.5 TCPORSM0EX [enable_thinking <think> reasoning_content], 5 read back
        smollm2-135m-instruct: generic RSMDX [], 0 read back
        unsloth-Apriel-1.5: apriel TCPORSM0EX [], 2 read back
        """;

    [SkippableFact]
    public void Templates_AllShared_AreKnown()
    {
        var lines = TemplateCases.AllNames.Select(name => $"{name}: {Capabilities(name)}, {ReadBack(name)} read back").ToList();
        string actual = string.Join('\n', lines);
        Assert.Equal(Expected, actual);
    }

    private static string Capabilities(string name)
    {
        var model = new ConversationModel(new ByteTokenizer([]), ModelTemplates.Of(TemplateCases.Source(name)));
        var can = model.Capabilities(hasTools: true)!;
        (bool Can, char Letter)[] letters =
        [
            (can.Tools, 'T'), (can.ToolCalls, 'C'), (can.ParallelToolCalls, 'P'), (can.ObjectArguments, 'O'), (can.ShortCallIds, 'N'), (can.ToolRole, 'R'),
            (can.SystemRole, 'S'), (can.SeveralSystemMessages, 'M'), (can.DeveloperRole, 'D'), (can.MissingContent, '0'), (can.EmptyContent, 'E'), (can.TextContent, 'X'),
        ];
        string reasoning = string.Join(' ', new[] { can.ReasoningVariable, can.ReasoningStart, can.ReasoningField, can.ReasoningEffort ? "effort" : null }.OfType<string>());
        return $"{model.ToolFormat} {string.Concat(letters.Where(letter => letter.Can).Select(letter => letter.Letter))} [{reasoning}]";
    }

    private static int ReadBack(string name)
    {
        string source = TemplateCases.Source(name);
        var template = ChatTemplate.Parse(source);
        var format = ToolFormats.Of(source);
        var reasoning = ReasoningMarks.Known.FirstOrDefault(marks => source.Contains(marks.End, StringComparison.Ordinal));
        int equal = 0;
        foreach (var root in TemplateCases.Cases(name))
        {
            var messages = root.GetProperty("messages").EnumerateArray().ToList();
            int at = messages.FindIndex(message => message.TryGetProperty("tool_calls", out var calls) && calls.GetArrayLength() > 0);
            if (at >= 0 && Written(template, root, at) is { } answer)
            {
                equal += Parse(answer, root, format, reasoning) == Calls(messages[at].GetProperty("tool_calls")) ? 1 : 0;
            }
        }

        return equal;
    }

    /// <summary>What the template writes behind the generation prompt; null where it cannot be told.</summary>
    private static string? Written(ChatTemplate template, JsonElement root, int at)
    {
        try
        {
            string prompt = template.Render(TemplateCases.Input(root, at, prompt: true)).Text;
            string whole = template.Render(TemplateCases.Input(root, at + 1, prompt: false)).Text;
            return whole.StartsWith(prompt, StringComparison.Ordinal) ? whole[prompt.Length..] : null;
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    private static string Parse(string answer, JsonElement root, ToolFormat format, ReasoningMarks? reasoning)
    {
        var tools = root.GetProperty("tools").EnumerateArray().Select(tool => tool.TryGetProperty("function", out var function) ? function : tool)
            .Select(function => new ToolDefinition(function.GetProperty("name").GetString()!, null, function.TryGetProperty("parameters", out var p) ? p : null)).ToList();
        var parser = new AnswerParser(null, new Markers(null, []), new AnswerParserOptions
        {
            Format = format, Tools = new ToolSet(tools, ToolChoice.Auto), Reasoning = reasoning, HoldsCalls = false,
        });
        return Answer.Of(parser.AppendText(answer).ToList().Concat(parser.Finish())).CallsAsJson();
    }

    private static string Calls(JsonElement calls) => new JsonArray([.. calls.EnumerateArray().Select(call =>
    {
        var function = call.TryGetProperty("function", out var inner) ? inner : call;
        var arguments = function.GetProperty("arguments");
        return (JsonNode)new JsonObject
        {
            ["name"] = function.GetProperty("name").GetString(),
            ["arguments"] = JsonNode.Parse(arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : arguments.GetRawText()),
        };
    })]).ToJsonString();
}
