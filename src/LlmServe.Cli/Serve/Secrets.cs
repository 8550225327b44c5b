using LlmServe.Server;
using LlmServe.Serving;

namespace LlmServe.Cli.Serve;

/// <summary>What may change while a server runs.</summary>
/// <param name="Keys">The API keys.</param>
/// <param name="Certificate">The certificate; null: there is no TLS.</param>
internal sealed record Secrets(IReadOnlyList<ApiKey> Keys, ServerCertificate? Certificate);
