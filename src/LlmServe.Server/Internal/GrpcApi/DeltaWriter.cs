using Grpc.Core;
using LlmServe.Protocol;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>Sends a generation's updates as deltas. One delta is filled again and again: once it is written, nobody looks at it any more.</summary>
internal static class DeltaWriter
{
    /// <summary>Sends updates until the last.</summary>
    /// <param name="generation">What to send; null: nothing.</param>
    /// <param name="responses">The client, who paces the generation.</param>
    /// <param name="wrap">Puts the delta into the call's message.</param>
    /// <param name="call">The call.</param>
    public static async ValueTask SendAsync<TResponse>(
        Generation? generation, IServerStreamWriter<TResponse> responses, Func<V1.GenerationDelta, TResponse> wrap, ServedCall call)
    {
        if (generation is null)
        {
            return;
        }

        var delta = new V1.GenerationDelta();
        var response = wrap(delta);
        while (await generation.NextAsync().ConfigureAwait(false) is { } update)
        {
            if (call.Aborted.IsCancellationRequested)
            {
                // Nobody reads any more, and writing would throw; the engine's last update says how far the answer came.
                continue;
            }

            Deltas.Fill(delta, update, generation.Model.Engine.Tokenizer);
            try
            {
                await responses.WriteAsync(response).ConfigureAwait(false);
            }
            catch (Exception) when (call.Aborted.IsCancellationRequested)
            {
                // The client left while it was sent to.
            }
        }
    }
}
