namespace LlmServe.Compiler.Cost;

/// <summary>Seconds per unit of work (<see cref="Programs.Opcode.UnitsPerRow"/>) on one lane, operands in its caches.</summary>
/// <param name="First">For the first row of a tick, with everything that is done once per weight, such as unpacking.</param>
/// <param name="Next">For every further row.</param>
/// <param name="PerPosition">On top, for every position of context (attention alone).</param>
/// <param name="NextPerPosition">The same for rows that are consecutive positions; of attention, <paramref name="Next"/> is for these rows and <paramref name="First"/> for others.</param>
/// <param name="FirstFromMemory">As <paramref name="First"/> while all lanes read their weights from memory, which kernels overlap with work more or less well; 0 where unknown.</param>
public readonly record struct KernelTime(double First, double Next, double PerPosition = 0, double NextPerPosition = 0, double FirstFromMemory = 0);
