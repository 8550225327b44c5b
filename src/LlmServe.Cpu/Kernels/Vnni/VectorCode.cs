namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>A value in a straight piece of vector code, before it has a register.</summary>
/// <param name="Name">Its number.</param>
internal readonly record struct VectorValue(int Name);

/// <summary>
/// Straight vector code over as many values as it likes. <see cref="Emit"/> gives every value a register from its first to its last use; there is no
/// memory for those that find none, which is a mistake of who wrote the code.
/// </summary>
internal sealed class VectorCode
{
    private const int Registers = 32;

    private readonly List<Instruction> _instructions = [];
    private readonly List<int> _lastUses = [];
    private readonly List<bool> _isKept = [];

    private enum Form
    {
        Registers,
        Memory,
        Shift,
        Prefetch,
    }

    private readonly record struct Instruction(Form Form, Evex Op, int Target, int First, int Second, MemoryOperand Memory);

    /// <summary>A value that is given from outside and stays: its register is known by <see cref="RegisterOf"/> before the code is emitted.</summary>
    public VectorValue Keep()
    {
        if (_instructions.Count > 0 || _isKept.Contains(false))
        {
            throw new InvalidOperationException("values that stay come first");
        }

        return New(isKept: true);
    }

    /// <summary>The register of a value that stays.</summary>
    public static int RegisterOf(VectorValue kept) => kept.Name;

    /// <summary>op memory, such as a load.</summary>
    public VectorValue Load(Evex op, MemoryOperand memory)
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Memory, op, value.Name, -1, -1, memory));
        return value;
    }

    /// <summary>op source, such as a conversion.</summary>
    public VectorValue Convert(Evex op, VectorValue source)
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Registers, op, value.Name, -1, source.Name, default));
        return value;
    }

    /// <summary>first op second.</summary>
    public VectorValue Combine(Evex op, VectorValue first, VectorValue second)
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Registers, op, value.Name, first.Name, second.Name, default));
        return value;
    }

    /// <summary>first op memory.</summary>
    public VectorValue Combine(Evex op, VectorValue first, MemoryOperand memory)
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Memory, op, value.Name, first.Name, -1, memory));
        return value;
    }

    /// <summary>source shifted by a constant.</summary>
    public VectorValue Shift(Evex op, VectorValue source, byte count)
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Shift, op, value.Name, -1, source.Name, new MemoryOperand(Gpr.None, count, 1)));
        return value;
    }

    /// <summary>All bits zero.</summary>
    public VectorValue Zero()
    {
        var value = New(isKept: false);
        Append(new Instruction(Form.Registers, Evex.Xor, value.Name, value.Name, value.Name, default));
        return value;
    }

    /// <summary>target = target op (first, second), or target = first op second where the target is one of them.</summary>
    public void Into(Evex op, VectorValue target, VectorValue first, VectorValue second) =>
        Append(new Instruction(Form.Registers, op, target.Name, first.Name, second.Name, default));

    /// <summary>The same with memory.</summary>
    public void Into(Evex op, VectorValue target, VectorValue first, MemoryOperand memory) =>
        Append(new Instruction(Form.Memory, op, target.Name, first.Name, -1, memory));

    /// <summary>Asks the first cache for a line.</summary>
    public void Prefetch(Gpr from, int displacement) =>
        Append(new Instruction(Form.Prefetch, default, -1, -1, -1, new MemoryOperand(from, displacement, 1)));

    /// <summary>Writes the instructions.</summary>
    /// <exception cref="InvalidOperationException">More values are alive at once than there are registers.</exception>
    public void Emit(Assembler assembler)
    {
        int[] registers = new int[_lastUses.Count];
        var free = new Stack<int>();
        int kept = _isKept.Count(k => k);
        for (int register = Registers - 1; register >= kept; register--)
        {
            free.Push(register);
        }

        bool[] isPlaced = [.. _isKept];
        for (int i = 0; i < kept; i++)
        {
            registers[i] = i;
        }

        for (int at = 0; at < _instructions.Count; at++)
        {
            var instruction = _instructions[at];

            // Sources that end here leave their registers first, so that the target can take one of them.
            Leave(instruction.First, at, instruction.Target);
            if (instruction.Second != instruction.First)
            {
                Leave(instruction.Second, at, instruction.Target);
            }

            if (instruction.Target >= 0 && !isPlaced[instruction.Target])
            {
                isPlaced[instruction.Target] = true;
                registers[instruction.Target] = free.TryPop(out int register)
                    ? register
                    : throw new InvalidOperationException($"instruction {at} of {_instructions.Count} has no register left");
            }

            Write(assembler, instruction, registers);
            Leave(instruction.Target, at, -1);
        }

        void Leave(int name, int at, int except)
        {
            if (name >= 0 && name != except && !_isKept[name] && _lastUses[name] == at)
            {
                free.Push(registers[name]);
            }
        }
    }

    private static void Write(Assembler assembler, Instruction instruction, int[] registers)
    {
        int Register(int name) => name < 0 ? 0 : registers[name];
        switch (instruction.Form)
        {
            case Form.Registers:
                assembler.Vector(instruction.Op, Register(instruction.Target), Register(instruction.First), Register(instruction.Second));
                break;
            case Form.Memory:
                assembler.Vector(instruction.Op, Register(instruction.Target), Register(instruction.First), instruction.Memory);
                break;
            case Form.Shift:
                assembler.Shift(instruction.Op, Register(instruction.Target), Register(instruction.Second), (byte)instruction.Memory.Displacement);
                break;
            default:
                assembler.Prefetch(instruction.Memory.Base, instruction.Memory.Displacement);
                break;
        }
    }

    private VectorValue New(bool isKept)
    {
        _isKept.Add(isKept);
        _lastUses.Add(-1);
        return new VectorValue(_lastUses.Count - 1);
    }

    private void Append(Instruction instruction)
    {
        foreach (int name in (ReadOnlySpan<int>)[instruction.Target, instruction.First, instruction.Second])
        {
            if (name >= 0)
            {
                _lastUses[name] = _instructions.Count;
            }
        }

        _instructions.Add(instruction);
    }
}
