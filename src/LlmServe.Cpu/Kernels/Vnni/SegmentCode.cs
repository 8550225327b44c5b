using System.Runtime.InteropServices;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Vnni;

/// <summary>What a segment function works on. Its fields are read by generated code: their order is part of <see cref="SegmentCode{TBlock, TCodes}"/>.</summary>
internal unsafe struct SegmentWork
{
    /// <summary>The first segment of a tile.</summary>
    public byte* Segment;

    /// <summary>Signed codes of the first row of activations, at the segment's first column; its scales and its half sums there.</summary>
    public byte* Codes;
    public byte* Scales;
    public byte* Sums;

    /// <summary>Bytes between rows of activations.</summary>
    public nint RowBytes;

    /// <summary>Sums of earlier segments, 16 a row, and bytes between rows: what is added to.</summary>
    public float* Before;
    public nint BeforeBytes;

    /// <summary>Gets the sums, 16 a row, and bytes between rows.</summary>
    public float* Results;
    public nint ResultBytes;

    /// <summary>Full segments, one after the other; may be none.</summary>
    public nint Count;

    /// <summary>The code for what is left of a tile after them.</summary>
    public byte* Rest;
}

/// <summary>
/// Writes machine code for segments of a tile times one to four rows of activations in <c>int8</c> mode, with the dot product instructions of AVX-512 VNNI, which
/// .NET 10 has no intrinsics for (512 bits wide). All offsets are constants: a segment's pieces are laid out one after the other. Codes are made
/// unsigned by a bias and activations stay signed; the bias leaves by the activations' half sums, and every sum is exact in 32 bits.
/// Sub-block scales are applied as f32: numbers below 2^24 and their products below 2^24 are exact there.
/// </summary>
internal sealed class SegmentCode<TBlock, TCodes>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    /// <summary>Most rows of activations at once.</summary>
    public const int MostRows = 4;

    /// <summary>How far ahead of use memory is asked for: farther than where one row streams through, since a tile is passed over several times.</summary>
    private const int PrefetchBytes = 8192;

    private const int Line = 64;

    private const Gpr Segment = Gpr.Rcx, Codes = Gpr.Rsi, Scales = Gpr.Rdx, Sums = Gpr.R8, Row = Gpr.R9, ThreeRows = Gpr.R10;

    /// <summary>Where a function finds its <see cref="SegmentWork"/>: the first argument on every system but Windows.</summary>
    private const Gpr Work = Gpr.Rdi;

    private static readonly bool HasHalfScales = TBlock.SubBlockSize == 16;

    private static readonly bool IsSuper = PackedLayout<TBlock, TCodes>.IsSuper;

    private static readonly bool HasMinimum = PackedLayout<TBlock, TCodes>.HasMinimum;

    private static readonly bool IsPaired = PackedLayout<TBlock, TCodes>.IsPaired;

    /// <summary>Added to codes before the product: what packing added, or what makes signed bytes unsigned.</summary>
    private static readonly int Bias = TCodes.IsWide ? 128 : TCodes.Bias;

    private readonly Assembler _assembler = new();
    private readonly VectorCode _code = new();
    private readonly int _rows;
    private readonly int _pieces;

    private SegmentCode(int rows, int pieces) => (_rows, _pieces) = (rows, pieces);

    /// <summary>A function that takes a <see cref="SegmentWork"/>: the full segments, then a jump to the rest.</summary>
    /// <param name="rows">1 to <see cref="MostRows"/>.</param>
    public static byte[] Full(int rows) => new SegmentCode<TBlock, TCodes>(rows, PackedLayout<TBlock, TCodes>.PiecesPerSegment).Function();

    /// <summary>What such a function goes on with: a shorter segment, then the way out.</summary>
    /// <param name="rows">1 to <see cref="MostRows"/>.</param>
    /// <param name="pieces">Pieces of the segment, 0 to 7.</param>
    public static byte[] Rest(int rows, int pieces) => new SegmentCode<TBlock, TCodes>(rows, pieces).Ending();

    private byte[] Function()
    {
        var totals = Totals();
        Pieces(totals);
        LoadPointers();
        Rows(nameof(SegmentWork.Before), nameof(SegmentWork.BeforeBytes), totals, Evex.Load);
        _assembler.Move(Gpr.Rax, Work, Offset(nameof(SegmentWork.Count)));
        _assembler.SkipIfZero(Gpr.Rax, () =>
        {
            int start = _assembler.Position;
            _code.Emit(_assembler);
            _assembler.Add(Segment, PackedLayout<TBlock, TCodes>.SegmentBytes(_pieces));
            _assembler.Add(Codes, 32 * _pieces);
            _assembler.Add(Scales, 4 * _pieces);
            _assembler.Add(Sums, 4 * _pieces);
            _assembler.Loop(Gpr.Rax, start);
        });
        _assembler.Jump(Work, Offset(nameof(SegmentWork.Rest)));
        return _assembler.ToArray();
    }

    private byte[] Ending()
    {
        var totals = Totals();
        if (_pieces > 0)
        {
            Pieces(totals);
            _code.Emit(_assembler);
        }

        Rows(nameof(SegmentWork.Results), nameof(SegmentWork.ResultBytes), totals, Evex.Store);
        _assembler.Return();
        return _assembler.ToArray();
    }

    private VectorValue[] Totals() => [.. Enumerable.Range(0, _rows).Select(_ => _code.Keep())];

    private void LoadPointers()
    {
        _assembler.Move(Segment, Work, Offset(nameof(SegmentWork.Segment)));
        _assembler.Move(Codes, Work, Offset(nameof(SegmentWork.Codes)));
        _assembler.Move(Scales, Work, Offset(nameof(SegmentWork.Scales)));
        _assembler.Move(Sums, Work, Offset(nameof(SegmentWork.Sums)));
        _assembler.Move(Row, Work, Offset(nameof(SegmentWork.RowBytes)));
        _assembler.LoadAddress(ThreeRows, new MemoryOperand(Row, 0, 1, Row, 2));
    }

    /// <summary>Loads or stores the rows' totals.</summary>
    private void Rows(string pointer, string stride, VectorValue[] totals, Evex op)
    {
        _assembler.Move(Gpr.Rax, Work, Offset(pointer));
        _assembler.Move(Gpr.R11, Work, Offset(stride));
        foreach (var total in totals)
        {
            _assembler.Vector(op, VectorCode.RegisterOf(total), 0, new MemoryOperand(Gpr.Rax, 0, 64));
            _assembler.LoadAddress(Gpr.Rax, new MemoryOperand(Gpr.Rax, 0, 1, Gpr.R11));
        }
    }

    private static int Offset(string field) => (int)Marshal.OffsetOf<SegmentWork>(field);

    /// <summary>All pieces of a segment, and their sums into the totals.</summary>
    private void Pieces(VectorValue[] totals)
    {
        var sums = totals.Select(_ => _code.Zero()).ToArray();
        VectorValue scale = default, minimum = default;
        for (int piece = 0; piece < _pieces; piece++)
        {
            int shared = PackedLayout<TBlock, TCodes>.PiecesPerScale, at = piece / shared * PackedLayout<TBlock, TCodes>.ScaleStride;
            if (piece % shared == 0)
            {
                scale = LoadScale(at);
                minimum = HasMinimum ? LoadScale(PackedLayout<TBlock, TCodes>.ScaleBytes(_pieces) + at) : default;
            }

            Prefetch(piece);
            if (IsPaired)
            {
                AddScaled(sums, Singles(Dots(piece, 0, 2)), scale, piece);
                AddScaled(sums, Singles(Dots(piece, 2, 4)), LoadScale(at + (KernelTable.TileRows * 2)), piece);
                continue;
            }

            AddScaled(sums, Products(piece), scale, piece);

            if (HasMinimum)
            {
                AddMinimums(piece, minimum, sums);
            }
        }

        for (int row = 0; row < _rows; row++)
        {
            _code.Into(Evex.Add, totals[row], totals[row], sums[row]);
        }
    }

    /// <summary>Adds scale · d · n for every row.</summary>
    private void AddScaled(VectorValue[] sums, VectorValue[] products, VectorValue scale, int piece)
    {
        for (int row = 0; row < _rows; row++)
        {
            _code.Into(Evex.MultiplyAdd, sums[row], _code.Combine(Evex.Multiply, scale, Activations(Scales, row, 4 * piece)), products[row]);
        }
    }

    private VectorValue[] Singles(VectorValue[] integers) => [.. integers.Select(n => _code.Convert(Evex.ToSingle, n))];

    /// <summary>The piece's <c>n</c> of every row, as f32.</summary>
    private VectorValue[] Products(int piece)
    {
        var first = Dots(piece, 0, HasHalfScales ? 2 : 4);
        if (!IsSuper)
        {
            return Singles(first);
        }

        if (!HasHalfScales)
        {
            var whole = _code.Convert(Evex.ToSingle, Load(Evex.SignedBytesTo32, SubScales(piece), 16));
            return [.. first.Select(n => _code.Combine(Evex.Multiply, _code.Convert(Evex.ToSingle, n), whole))];
        }

        var (low, high) = Halves(SubScales(piece));
        var (lowScale, highScale) = (_code.Convert(Evex.ToSingle, low), _code.Convert(Evex.ToSingle, high));
        var products = first.Select(n => _code.Combine(Evex.Multiply, _code.Convert(Evex.ToSingle, n), lowScale)).ToArray();
        var second = Dots(piece, 2, 4);
        for (int row = 0; row < _rows; row++)
        {
            _code.Into(Evex.MultiplyAdd, products[row], _code.Convert(Evex.ToSingle, second[row]), highScale);
        }

        return products;
    }

    /// <summary>Dot products over pairs of groups [begin, end) of a piece, in 32 bits, without the bias.</summary>
    private VectorValue[] Dots(int piece, int begin, int end)
    {
        var dots = Enumerable.Range(0, _rows).Select(_ => _code.Zero()).ToArray();
        if (Bias != 0)
        {
            int low = begin == 0 ? -Bias : 0, high = end == 4 ? -Bias : 0;
            var bias = _code.Load(Evex.Broadcast, Constant((low & 0xffff) | (high << 16)));
            for (int row = 0; row < _rows; row++)
            {
                _code.Into(Evex.DotWords, dots[row], bias, Activations(Sums, row, 4 * piece));
            }
        }

        for (int pair = begin; pair < end; pair++)
        {
            var (even, odd) = LoadPair(piece, pair);
            for (int row = 0; row < _rows; row++)
            {
                _code.Into(Evex.DotBytes, dots[row], even, Activations(Codes, row, (32 * piece) + (8 * pair)));
            }

            for (int row = 0; row < _rows; row++)
            {
                _code.Into(Evex.DotBytes, dots[row], odd, Activations(Codes, row, (32 * piece) + (8 * pair) + 4));
            }
        }

        return dots;
    }

    private unsafe (VectorValue Even, VectorValue Odd) LoadPair(int piece, int pair)
    {
        VectorValue even = default, odd = default;
        int at = PackedLayout<TBlock, TCodes>.CodesOffset(_pieces) + (piece * TCodes.PieceBytes);
        CodeRecorder.Record(_assembler, _code, Segment, () => TCodes.LoadPair<CodeRecorder, VectorValue>((byte*)at, pair, out even, out odd));
        if (TCodes.IsWide)
        {
            var flip = Constant(unchecked((int)0x80808080));
            (even, odd) = (_code.Combine(Evex.Xor, even, flip), _code.Combine(Evex.Xor, odd, flip));
        }

        return (even, odd);
    }

    /// <summary>Adds minimum · d · (f32)(products of sub-block minimums and half sums).</summary>
    private void AddMinimums(int piece, VectorValue minimum, VectorValue[] sums)
    {
        var entries = IsSuper ? MinimumEntries(piece) : _code.Load(Evex.Broadcast, Constant(0x00010001));
        for (int row = 0; row < _rows; row++)
        {
            var products = _code.Zero();
            _code.Into(Evex.DotWords, products, entries, Activations(Sums, row, 4 * piece));
            _code.Into(
                Evex.MultiplyAdd, sums[row], _code.Combine(Evex.Multiply, minimum, Activations(Scales, row, 4 * piece)), _code.Convert(Evex.ToSingle, products));
        }
    }

    /// <summary>Sub-block minimums of a piece as pairs of 16-bit numbers.</summary>
    private VectorValue MinimumEntries(int piece)
    {
        int at = SubScales(piece) + (_pieces * PackedLayout<TBlock, TCodes>.SubStride);
        VectorValue low, high;
        if (HasHalfScales)
        {
            (low, high) = Halves(at);
        }
        else
        {
            low = high = Load(Evex.SignedBytesTo32, at, 16);
        }

        return _code.Combine(Evex.Or, _code.Combine(Evex.And, low, Constant(0xffff)), _code.Shift(Evex.ShiftLeft32, high, 16));
    }

    /// <summary>Two signed bytes a row, each as a 32-bit number.</summary>
    private (VectorValue Low, VectorValue High) Halves(int at)
    {
        var both = Load(Evex.UnsignedWordsTo32, at, 32);
        return (SignedByte(24), SignedByte(16));

        VectorValue SignedByte(byte left) => _code.Shift(Evex.ShiftRightArithmetic32, _code.Shift(Evex.ShiftLeft32, both, left), 24);
    }

    private int SubScales(int piece) =>
        (PackedLayout<TBlock, TCodes>.ScaleStride * (HasMinimum ? 2 : 1)) + (piece * PackedLayout<TBlock, TCodes>.SubStride);

    private void Prefetch(int piece)
    {
        int share = PackedLayout<TBlock, TCodes>.PieceShare, from = PrefetchBytes + (piece * share);
        for (int at = 0; at < share; at += Line)
        {
            _code.Prefetch(Segment, from + at);
        }
    }

    /// <summary>Stored scales or minimums of the tile's rows, as the real numbers they are.</summary>
    private VectorValue LoadScale(int at)
    {
        if (TBlock.ScaleType != ScaleType.Half)
        {
            return _code.Shift(Evex.ShiftLeft32, Load(Evex.UnsignedWordsTo32, at, 32), 16);
        }

        var stored = Load(Evex.HalvesToSingles, at, 32);
        return TBlock.ScaleExponent == 0
            ? stored
            : _code.Combine(Evex.Multiply, stored, Constant(BitConverter.SingleToInt32Bits(MathF.ScaleB(1, TBlock.ScaleExponent))));
    }

    private VectorValue Load(Evex op, int at, int bytes) => _code.Load(op, new MemoryOperand(Segment, at, bytes));

    private MemoryOperand Constant(int value) => new(Gpr.Constant, _assembler.Constant(BitConverter.GetBytes(value)), 4);

    /// <summary>Four bytes of a row of activations.</summary>
    private static MemoryOperand Activations(Gpr from, int row, int at) => row switch
    {
        0 => new MemoryOperand(from, at, 4),
        3 => new MemoryOperand(from, at, 4, ThreeRows),
        _ => new MemoryOperand(from, at, 4, Row, row),
    };
}
