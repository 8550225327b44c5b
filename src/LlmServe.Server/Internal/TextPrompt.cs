using LlmServe.Text;

namespace LlmServe.Server.Internal;

/// <summary>Turns a client's text into prompt tokens.</summary>
internal static class TextPrompt
{
    /// <summary>The prompt of a request, and the field that it came from.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: there is none.</exception>
    public static (IReadOnlyList<int> Ids, string Field) Read(V1.GenerateRequest request, ITokenizer tokenizer) => request.PromptCase switch
    {
        V1.GenerateRequest.PromptOneofCase.Text => (Encode(request.Text, request.Tokenization, tokenizer), "text"),
        V1.GenerateRequest.PromptOneofCase.TokenIds => ((IReadOnlyList<int>)request.TokenIds.Ids, "token_ids.ids"),
        _ => throw Failures.Invalid("text", "the request has no prompt; set text or token_ids"),
    };

    /// <summary>The ids of a text.</summary>
    public static List<int> Encode(string text, V1.TokenizationOptions? options, ITokenizer tokenizer)
    {
        bool addSpecial = options is not { HasAddSpecial: true, AddSpecial: false };
        bool parseSpecial = options is not { HasParseSpecial: true, ParseSpecial: false };
        var ids = new List<int>();
        tokenizer.Encode(text, addSpecial, parseSpecial, ids);
        return ids;
    }
}
