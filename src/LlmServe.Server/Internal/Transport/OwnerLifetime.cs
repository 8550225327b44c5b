using Microsoft.Extensions.Hosting;

namespace LlmServe.Server.Internal.Transport;

/// <summary>A lifetime that waits for nothing and watches no signals: whoever starts a server stops it.</summary>
internal sealed class OwnerLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
