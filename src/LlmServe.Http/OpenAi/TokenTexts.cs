using System.Text;
using LlmServe.Text;

namespace LlmServe.Http;

/// <summary>Tokens as texts, for APIs that want them so.</summary>
internal static class TokenTexts
{
    /// <summary>A token's text. Of one that is a part of a character it is U+FFFD; its bytes say which part.</summary>
    public static string Of(ITokenizer tokenizer, int id) => Encoding.UTF8.GetString(tokenizer.BytesOf(id));
}
