using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>What the cost of an instruction depends on beside itself.</summary>
/// <param name="Program">Its program.</param>
/// <param name="Time">Seconds per unit of its work.</param>
/// <param name="SecondsPerByte">What a byte of weights costs a lane while all lanes read.</param>
/// <param name="Kv">Element type of the cache.</param>
internal readonly record struct CostContext(StreamProgram Program, KernelTime Time, double SecondsPerByte, KvElement Kv);
