using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>What lies in an executor's memory of the sequences' past.</summary>
internal sealed class CpuSequenceMemory(IReadOnlyList<KvGroup> groups) : ISequenceMemory
{
    public IReadOnlyList<KvGroup> KvGroups => groups;

    public IStateMemory? States => null;
}
