using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace LlmServe.Server.Internal;

/// <summary>What the server tells grpc.health.v1: one status for the server and each of its services.</summary>
internal sealed class HealthReporter(HealthServiceImpl health)
{
    private static readonly string[] Services =
        ["", V1.ChatService.Descriptor.FullName, V1.TextService.Descriptor.FullName, V1.ModelService.Descriptor.FullName];

    /// <summary>Calls are welcome.</summary>
    public void Serving() => Set(HealthCheckResponse.Types.ServingStatus.Serving);

    /// <summary>The server is stopping, or an engine failed.</summary>
    public void NotServing() => Set(HealthCheckResponse.Types.ServingStatus.NotServing);

    private void Set(HealthCheckResponse.Types.ServingStatus status)
    {
        foreach (string service in Services)
        {
            health.SetStatus(service, status);
        }
    }
}
