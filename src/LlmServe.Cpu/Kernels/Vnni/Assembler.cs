using System.Buffers.Binary;
using System.Numerics;

namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>
/// Encodes the few x86-64 instructions that <see cref="SegmentCode{TBlock, TCodes}"/> needs: 512-bit vector instructions in EVEX form, and what a loop takes.
/// Constants stand behind the code and are reached relative to it, so that the bytes run anywhere.
/// </summary>
internal sealed class Assembler
{
    private const int VectorLength512 = 0x40;

    private readonly List<byte> _code = [];
    private readonly List<byte[]> _constants = [];
    private readonly List<(int At, int Constant)> _references = [];

    /// <summary>Bytes so far: where a loop begins.</summary>
    public int Position => _code.Count;

    /// <summary>The number of a constant for memory operands; equal ones are kept once.</summary>
    public int Constant(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < _constants.Count; i++)
        {
            if (bytes.SequenceEqual(_constants[i]))
            {
                return i;
            }
        }

        _constants.Add(bytes.ToArray());
        return _constants.Count - 1;
    }

    /// <summary>target = first op second; instructions of two operands have no first (0).</summary>
    public void Vector(Evex op, int target, int first, int second) => Registers(op, target, first, second);

    /// <summary>target = source shifted by a constant.</summary>
    public void Shift(Evex op, int target, int source, byte count)
    {
        Registers(op, op.Extension, target, source);
        _code.Add(count);
    }

    /// <summary>target = first op memory. Four bytes are repeated in every lane, except by instructions that do so themselves.</summary>
    public void Vector(Evex op, int target, int first, MemoryOperand memory)
    {
        bool repeats = memory.Unit == 4 && op != Evex.Broadcast;
        int index = memory.Base == Gpr.Constant || memory.Index == Gpr.None ? 0 : (int)memory.Index;
        int from = memory.Base == Gpr.Constant ? 0 : (int)memory.Base;
        Prefixes(op, target, first, (from & 8) != 0, (index & 8) != 0, repeats);
        _code.Add(op.Code);
        Address(target & 7, memory);
    }

    /// <summary>target = the 64 bits at an address.</summary>
    public void Move(Gpr target, Gpr from, int displacement) => General(0x8b, (int)target, new MemoryOperand(from, displacement, 1));

    /// <summary>target = the address itself.</summary>
    public void LoadAddress(Gpr target, MemoryOperand address) => General(0x8d, (int)target, address);

    /// <summary>register += value.</summary>
    public void Add(Gpr register, int value)
    {
        _code.AddRange([(byte)(0x48 | ((int)register >> 3)), 0x81, (byte)(0xc0 | ((int)register & 7))]);
        Add32(value);
    }

    /// <summary>Counts a register down and goes back unless it is zero then.</summary>
    public void Loop(Gpr counter, int start)
    {
        _code.AddRange([(byte)(0x48 | ((int)counter >> 3)), 0xff, (byte)(0xc8 | ((int)counter & 7)), 0x0f, 0x85]);
        Add32(start - (_code.Count + 4));
    }

    /// <summary>Goes on behind what <paramref name="unlessZero"/> writes if a register is zero.</summary>
    public void SkipIfZero(Gpr register, Action unlessZero)
    {
        int number = (int)register;
        _code.AddRange([(byte)(0x48 | ((number >> 3) * 5)), 0x85, (byte)(0xc0 | ((number & 7) * 9)), 0x0f, 0x84]);
        int at = _code.Count;
        Add32(0);
        unlessZero();
        Span<byte> distance = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(distance, _code.Count - (at + 4));
        for (int i = 0; i < distance.Length; i++)
        {
            _code[at + i] = distance[i];
        }
    }

    /// <summary>Goes on at the address that stands in memory.</summary>
    public void Jump(Gpr from, int displacement)
    {
        _code.Add(0xff);
        Address(4, new MemoryOperand(from, displacement, 1));
    }

    /// <summary>Asks the first cache for a line.</summary>
    public void Prefetch(Gpr from, int displacement)
    {
        if ((int)from > 7)
        {
            _code.Add(0x41);
        }

        _code.AddRange([0x0f, 0x18]);
        Address(1, new MemoryOperand(from, displacement, 1));
    }

    /// <summary>Leaves the function, the vectors' upper halves clean.</summary>
    public void Return() => _code.AddRange([0xc5, 0xf8, 0x77, 0xc3]);

    /// <summary>The code with its constants.</summary>
    public byte[] ToArray()
    {
        var at = new int[_constants.Count];
        for (int i = 0; i < at.Length; i++)
        {
            while (_code.Count % 16 != 0)
            {
                _code.Add(0xcc);
            }

            at[i] = _code.Count;
            _code.AddRange(_constants[i]);
        }

        byte[] bytes = [.. _code];
        foreach (var (reference, constant) in _references)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(reference), at[constant] - (reference + 4));
        }

        return bytes;
    }

    private void Registers(Evex op, int reg, int first, int rm)
    {
        Prefixes(op, reg, first, (rm & 8) != 0, (rm & 16) != 0, repeats: false);
        _code.AddRange([op.Code, (byte)(0xc0 | ((reg & 7) << 3) | (rm & 7))]);
    }

    /// <summary>The four bytes before an opcode. Register bits stand inverted.</summary>
    private void Prefixes(Evex op, int reg, int first, bool b, bool x, bool repeats)
    {
        static int Inverted(bool bit, int mask) => bit ? 0 : mask;
        _code.Add(0x62);
        _code.Add((byte)(op.Map | Inverted((reg & 8) != 0, 0x80) | Inverted(x, 0x40) | Inverted(b, 0x20) | Inverted((reg & 16) != 0, 0x10)));
        _code.Add((byte)(((~first & 15) << 3) | 4 | op.Prefix));
        _code.Add((byte)(VectorLength512 | (repeats ? 0x10 : 0) | Inverted((first & 16) != 0, 8)));
    }

    private void General(byte code, int reg, MemoryOperand memory)
    {
        int index = memory.Index == Gpr.None ? 0 : (int)memory.Index;
        _code.AddRange([(byte)(0x48 | ((reg >> 3) << 2) | ((index >> 3) << 1) | ((int)memory.Base >> 3)), code]);
        Address(reg & 7, memory);
    }

    /// <summary>ModRM, SIB and displacement. Short displacements count units.</summary>
    private void Address(int reg, MemoryOperand memory)
    {
        if (memory.Base == Gpr.Constant)
        {
            _code.Add((byte)((reg << 3) | 5));
            _references.Add((_code.Count, memory.Displacement));
            Add32(0);
            return;
        }

        int units = memory.Displacement / memory.Unit;
        bool isShort = memory.Displacement % memory.Unit == 0 && units is >= -128 and <= 127;
        int mode = isShort ? 0x40 : 0x80;
        if (memory.Index != Gpr.None)
        {
            int scale = BitOperations.Log2((uint)memory.Scale);
            _code.AddRange([(byte)(mode | (reg << 3) | 4), (byte)((scale << 6) | (((int)memory.Index & 7) << 3) | ((int)memory.Base & 7))]);
        }
        else
        {
            // None of the registers in use asks for a SIB byte as a base.
            _code.Add((byte)(mode | (reg << 3) | ((int)memory.Base & 7)));
        }

        if (isShort)
        {
            _code.Add((byte)units);
        }
        else
        {
            Add32(memory.Displacement);
        }
    }

    private void Add32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }
}
