namespace LlmServe.Cli.Tests.Support;

/// <summary>Tests that watch this process's memory run while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
