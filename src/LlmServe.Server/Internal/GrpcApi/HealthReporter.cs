using Grpc.Health.V1;
using Grpc.HealthCheck;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>What the server tells grpc.health.v1: one status for the server and each of its services, which follows the core's health.</summary>
internal static class HealthReporter
{
    private static readonly string[] Services =
        ["", V1.ChatService.Descriptor.FullName, V1.TextService.Descriptor.FullName, V1.ModelService.Descriptor.FullName];

    /// <summary>Reports from now on.</summary>
    public static void Follow(ServingHealth core, HealthServiceImpl health) => core.Watch(serving =>
    {
        foreach (string service in Services)
        {
            health.SetStatus(service, serving ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing);
        }
    });
}
