using LlmServe.Conversation.Parsing;
using LlmServe.Text;

namespace LlmServe.Conversation.Formats;

/// <summary>The formats known, and which of them a chat template asks for.</summary>
internal static class ToolFormats
{
    /// <summary>For templates that know no tools.</summary>
    public static readonly ToolFormat Generic = new GenericFormat();

    // In the order in which templates are asked: a mark that several families have comes after those that have it with another.
    private static readonly (ToolFormat Format, Func<string, bool> IsOf)[] Known =
    [
        (new HarmonyFormat(), Has("<|channel|>", "<|message|>")),
        (new GemmaFormat(), Has("<|tool_call>", "<tool_call|>")),
        (new KimiFormat(), Has("<|tool_calls_section_begin|>")),
        (new DeepSeekFormat(isFenced: true), Has("<｜tool▁calls▁begin｜>", "```json")),
        (new DeepSeekFormat(isFenced: false), Has("<｜tool▁calls▁begin｜>")),
        (Parameters("deepseek-dsml", new("<｜DSML｜invoke name=\"", "\">", "<｜DSML｜parameter name=\"", "\"", "</｜DSML｜parameter>", "</｜DSML｜invoke>")
        {
            BlockOpen = "<｜DSML｜tool_calls>", BlockClose = "</｜DSML｜tool_calls>", SaysKind = true, HasSeveralInBlock = true,
        }), Has("｜DSML｜")),
        (Parameters("minimax-m2", new("<invoke name=\"", "\">", "<parameter name=\"", "\">", "</parameter>", "</invoke>") { BlockOpen = "<minimax:tool_call>", BlockClose = "</minimax:tool_call>", HasSeveralInBlock = true }), Has("<minimax:tool_call>")),
        (Parameters("atem", new("<atem:invoke name=\"", "\">", "<atem:parameter name=\"", "\">", "</atem:parameter>", "</atem:invoke>")
        {
            BlockOpen = "<atem:function_calls>", BlockClose = "</atem:function_calls>", HasSeveralInBlock = true,
        }), Has("<atem:function_calls>")),
        (Parameters("minicpm5", new("<function name=\"", "\">", "<param name=\"", "\">", "</param>", "</function>") { HasCdata = true, Line = "" }), Has("<function name=\"", "<param name=")),
        (Parameters("qwen3-coder-xml", new("<function=", ">", "<parameter=", ">", "</parameter>", "</function>")
        {
            BlockOpen = "<tool_call>", BlockClose = "</tool_call>", TrimsBreaks = true, MayLoseBlockOpen = true,
        }), Has("<function=", "<parameter=")),
        (Parameters("glm4.7", new("<tool_call>", "", "<arg_key>", "</arg_key>", "</arg_value>", "</tool_call>") { ValueOpen = "<arg_value>", Line = "" }),
            Has("</arg_key><arg_value>")),
        (Parameters("glm4.5", new("<tool_call>", "", "<arg_key>", "</arg_key>", "</arg_value>", "</tool_call>") { ValueOpen = "<arg_value>" }),
            Has("<arg_key>", "<arg_value>")),
        (new FunctionTagFormat(), Has("<function=")),
        (new RecipientFormat(), Has(">>>all")),
        (new ApertusFormat(), Has("<|tools_prefix|>")),
        (new PythonicFormat(hasMarks: true), Has("<|tool_call_start|>")),
        (Tagged("nemotron-nano-2", new("<TOOLCALL>", "</TOOLCALL>", TaggedJsonCalls.List)), Has("<TOOLCALL>")),
        (Tagged("command-r", new("<|START_ACTION|>", "<|END_ACTION|>", TaggedJsonCalls.List)
        {
            NameKey = "tool_name", ArgumentsKey = "parameters", IdKey = "tool_call_id", WritesIds = true,
            Wrappers = ["<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"],
        }), Has("<|START_ACTION|>")),
        (Tagged("command-r-plus", new("Action:\n```json\n", "```", TaggedJsonCalls.List) { NameKey = "tool_name", ArgumentsKey = "parameters" }), Has("Action:", "```json")),
        (Tagged("granite", new("<|tool_call|>", null, TaggedJsonCalls.List)), Has("<|tool_call|>")),
        (Tagged("gigachat", new("<|function_call|>", null)), Has("<|function_call|>")),
        (Tagged("firefunction-v2", new("functools", null, TaggedJsonCalls.List)), Has("functools")),
        (Tagged("minimax-m1", new("<tool_calls>", "</tool_calls>", TaggedJsonCalls.Several) { Breaks = true }), Has("<tool_calls>\\n{")),
        (Tagged("apriel", new("<tool_calls>", "</tool_calls>", TaggedJsonCalls.List)), Has("<tool_calls>")),
        (new MistralFormat(namesFirst: true, hasIds: true), Has("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]")),
        (new MistralFormat(namesFirst: true), Has("[TOOL_CALLS]", "[ARGS]")),
        (new MistralFormat(namesFirst: false), Has("[TOOL_CALLS]")),
        (Tagged("hermes", new("<tool_call>", "</tool_call>") { Breaks = true }), static source => Has("<tool_call>")(source) && !Has("<invoke name=")(source)),
        (new Llama3Format(), static source => Has("<|start_header_id|>", "<|eot_id|>")(source) && Has("parameters")(source)),
        (new PythonicFormat(hasMarks: false), static source => Has("[func_name1(")(source) || Has("func_name(")(source)),
    ];

    /// <summary>All names, as <c>--tool-format</c> takes them.</summary>
    public static IEnumerable<string> Names => Known.Select(entry => entry.Format.Name).Append(Generic.Name);

    /// <summary>The format of a name, or null.</summary>
    public static ToolFormat? Find(string name) => name == Generic.Name ? Generic : Array.Find(Known, entry => entry.Format.Name == name).Format;

    /// <summary>The format that a template asks for by its marks; where it has none, one whose marks are all control tokens of the vocabulary.</summary>
    public static ToolFormat Of(string template, ITokenizer? tokenizer = null) => Array.Find(Known, entry => entry.IsOf(template)).Format
        ?? (tokenizer is null ? null : Array.Find(Known, entry => HasTokens(entry.Format, tokenizer)).Format) ?? Generic;

    private static bool HasTokens(ToolFormat format, ITokenizer tokenizer) =>
        format.Openers.Count > 0 && new Markers(tokenizer, format.Marks) is { Tokens.Count: > 0 } markers && format.Marks.All(markers.Tokens.ContainsKey);

    private static ParameterFormat Parameters(string name, ParameterShape shape) => new(name, shape);

    private static TaggedJsonFormat Tagged(string name, TaggedJsonShape shape) => new(name, shape);

    private static Func<string, bool> Has(params string[] marks) => source => marks.All(mark => source.Contains(mark, StringComparison.Ordinal));
}
