using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmServe.Http;

/// <summary>How JSON is written: text in any language stays readable, since none of it goes into a web page as it is.</summary>
internal static class HttpJson
{
    /// <summary>The type of a JSON answer.</summary>
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>For writers.</summary>
    public static JsonWriterOptions Writing { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
