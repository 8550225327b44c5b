namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>A vector instruction's place in the opcode maps, as the processors' manuals give it (Intel SDM volume 2; AMD APM volume 4).</summary>
/// <param name="Map">1: 0F, 2: 0F38.</param>
/// <param name="Prefix">0: none, 1: 66, 2: F3.</param>
/// <param name="Code">The opcode byte.</param>
/// <param name="Extension">The number in the register field of shifts by a constant.</param>
internal readonly record struct Evex(byte Map, byte Prefix, byte Code, byte Extension = 0)
{
    public static readonly Evex Load = new(1, 2, 0x6f);                    // vmovdqu32
    public static readonly Evex Store = new(1, 2, 0x7f);
    public static readonly Evex Broadcast = new(2, 1, 0x58);               // vpbroadcastd
    public static readonly Evex BroadcastQuarter = new(2, 1, 0x5a);        // vbroadcasti32x4
    public static readonly Evex And = new(1, 1, 0xdb);
    public static readonly Evex Or = new(1, 1, 0xeb);
    public static readonly Evex Xor = new(1, 1, 0xef);
    public static readonly Evex ShiftRight16 = new(1, 1, 0x71, 2);
    public static readonly Evex ShiftLeft16 = new(1, 1, 0x71, 6);
    public static readonly Evex ShiftRightArithmetic32 = new(1, 1, 0x72, 4);
    public static readonly Evex ShiftLeft32 = new(1, 1, 0x72, 6);
    public static readonly Evex ShuffleBytes = new(2, 1, 0x00);            // vpshufb
    public static readonly Evex DotBytes = new(2, 1, 0x50);                // vpdpbusd: unsigned bytes times signed ones
    public static readonly Evex DotWords = new(2, 1, 0x52);                // vpdpwssd
    public static readonly Evex SignedBytesTo32 = new(2, 1, 0x21);         // vpmovsxbd
    public static readonly Evex UnsignedWordsTo32 = new(2, 1, 0x33);       // vpmovzxwd
    public static readonly Evex HalvesToSingles = new(2, 1, 0x13);         // vcvtph2ps
    public static readonly Evex ToSingle = new(1, 0, 0x5b);                // vcvtdq2ps
    public static readonly Evex Multiply = new(1, 0, 0x59);
    public static readonly Evex Add = new(1, 0, 0x58);
    public static readonly Evex MultiplyAdd = new(2, 1, 0xb8);             // vfmadd231ps: target + first * second
}

/// <summary>General registers, by their number in an instruction.</summary>
internal enum Gpr
{
    Rax,
    Rcx,
    Rdx,
    Rsi = 6,
    Rdi,
    R8,
    R9,
    R10,
    R11,

    /// <summary>No register.</summary>
    None = -1,

    /// <summary>The address of a constant.</summary>
    Constant = -2,
}

/// <summary>A memory operand: base + index · scale + displacement, or the constant whose number is the displacement.</summary>
/// <param name="Base">The base.</param>
/// <param name="Displacement">Bytes; or the number of a constant.</param>
/// <param name="Unit">Bytes that the instruction reads there: 4 (a 32-bit number for every lane), 16, 32 or 64.</param>
/// <param name="Index">The index, or none.</param>
/// <param name="Scale">1, 2, 4 or 8.</param>
internal readonly record struct MemoryOperand(Gpr Base, int Displacement, int Unit, Gpr Index = Gpr.None, int Scale = 1);
