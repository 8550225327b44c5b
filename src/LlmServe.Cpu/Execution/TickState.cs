using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>What every lane reads during a tick. Unmanaged, so that kernels follow plain pointers.</summary>
internal unsafe struct TickState
{
    /// <summary>Rows in the tick.</summary>
    public int Rows;

    /// <summary>Rows whose logits are wanted.</summary>
    public int Selected;

    /// <summary>Token per row. [Rows]</summary>
    public int* Tokens;

    /// <summary>Position per row. [Rows]</summary>
    public int* Positions;

    /// <summary>Slot per row. [Rows]</summary>
    public int* Slots;

    /// <summary>Row of each logits row. [Selected]</summary>
    public int* SelectedRows;

    /// <summary>KV blocks of each slot. [slots, BlocksPerSlot]</summary>
    public int* BlockTables;

    public int BlocksPerSlot;

    /// <summary>The cache.</summary>
    public KvLayout Kv;

    /// <summary>Shape constants.</summary>
    public ShapeConstants Shape;
}

/// <summary>The model's shape as kernels need it.</summary>
internal unsafe struct ShapeConstants
{
    public int QueryHeads;
    public int KeyHeads;
    public int HeadSize;
    public int HeadsPerKeyHead;
    public int RopePairs;
    public bool RopeHalves;
    public float AttentionScale;

    /// <summary>Angle per position of each pair. [RopePairs]</summary>
    public double* RopeFrequencies;

    /// <summary>The constants of a model.</summary>
    public static ShapeConstants Of(ModelShape shape, double* frequencies) => new()
    {
        QueryHeads = shape.QueryHeads,
        KeyHeads = shape.KeyHeads,
        HeadSize = shape.HeadSize,
        HeadsPerKeyHead = shape.HeadsPerKeyHead,
        RopePairs = shape.RopeFrequencies.Count,
        RopeHalves = shape.RopePairing == RopePairing.Halves,
        AttentionScale = shape.AttentionScale,
        RopeFrequencies = frequencies,
    };
}

/// <summary>
/// Layout of a KV block: [layer][key head][keys, values][32 positions][head size]. With <see cref="Interleaved"/> the elements of each group of 16
/// stand as 0, 8, 1, 9, … so that a 32-bit word holds element i low and i + 8 high, and one shift each widens both from f16. In q8_0 a panel holds the
/// codes, [32 positions][head size], and behind them the scales in f16, [32 positions][head size / 32].
/// </summary>
internal unsafe struct KvLayout
{
    public byte* Data;
    public long BlockBytes;
    public KvElement Element;
    public int KeyHeads;
    public int HeadSize;
    public bool Interleaved;

    /// <summary>The layout of a cache for a model and a set of kernels.</summary>
    public static KvLayout Of(ModelShape shape, KvElement element, KernelTable kernels, byte* data, long blockBytes) => new()
    {
        Data = data,
        BlockBytes = blockBytes,
        Element = element,
        KeyHeads = shape.KeyHeads,
        HeadSize = shape.HeadSize,
        Interleaved = kernels.InterleavesCache && element == KvElement.F16 && shape.HeadSize % 16 == 0,
    };

    /// <summary>Bytes of the 32 keys (or values) of one head.</summary>
    public readonly int PanelBytes => KvBlock.Positions * KvBlock.RowBytes(Element, HeadSize);

    /// <summary>Bytes of an element beside its scale.</summary>
    public readonly int ElementBytes => Element switch { KvElement.F32 => sizeof(float), KvElement.F16 => sizeof(ushort), _ => sizeof(sbyte) };

    /// <summary>A position's elements in a panel. [head size]</summary>
    public readonly byte* Row(byte* panel, int position) => panel + ((nint)position * HeadSize * ElementBytes);

    /// <summary>A position's scales in a panel, where elements have them. [head size / 32], f16</summary>
    public readonly Half* Scales(byte* panel, int position) =>
        (Half*)(panel + ((nint)KvBlock.Positions * HeadSize)) + (position * (HeadSize / KvBlock.ScaledRun));

    /// <summary>Keys of a head in a block; values follow after <see cref="PanelBytes"/>.</summary>
    public readonly byte* Keys(int block, int layer, int head) =>
        Data + (block * BlockBytes) + ((((nint)layer * KeyHeads) + head) * 2 * PanelBytes);

    /// <summary>Place of element <paramref name="i"/> in a row of the cache.</summary>
    public readonly int IndexOf(int i) => Interleaved ? (i & ~15) | ((i & 7) << 1) | ((i >> 3) & 1) : i;
}

/// <summary>A lane's own state.</summary>
internal unsafe struct LaneState
{
    public int Lane;
    public int Lanes;
    public TickState* Tick;

    /// <summary>Private memory for kernels. [ScratchBytes], 64-byte aligned</summary>
    public byte* Scratch;
}
