using System.Runtime.InteropServices;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Tests.Memory;

public unsafe class ExecutableMemoryTests
{
    [SkippableFact]
    public void Add_FunctionThatReturnsANumber_Runs()
    {
        Skip.IfNot(ExecutableMemory.IsAvailable && RuntimeInformation.ProcessArchitecture == Architecture.X64, "no executable memory, or another processor");
        byte* first = ExecutableMemory.Add([0xb8, 42, 0, 0, 0, 0xc3]); // mov eax, 42; ret
        byte* second = ExecutableMemory.Add([0xb8, 43, 0, 0, 0, 0xc3]);
        Assert.Equal(42, ((delegate* unmanaged<int>)first)());
        Assert.Equal(43, ((delegate* unmanaged<int>)second)());
        Assert.Equal(42, ((delegate* unmanaged<int>)first)());
    }

    [SkippableFact]
    public void Add_SomeCode_IsNotWritable()
    {
        Skip.IfNot(ExecutableMemory.IsAvailable, "no executable memory");
        nint at = (nint)ExecutableMemory.Add([0xc3]);
        string line = File.ReadLines("/proc/self/maps").Single(l => Holds(l, at));
        Assert.Equal("r-xp", line.Split(' ')[1]);
    }

    private static bool Holds(string line, nint address)
    {
        nint[] range = [.. line.Split(' ')[0].Split('-').Select(hex => (nint)Convert.ToInt64(hex, 16))];
        return range[0] <= address && address < range[1];
    }
}
