using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>Gives a step the constants that its kernel needs of an instruction.</summary>
internal delegate void Binder(ref Step step, in Instruction instruction, StepResources resources);
