// Blocks of C# write to the process's console, and pages share the processors with a server.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
