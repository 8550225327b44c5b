using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Every vector matrix kernel gives the bits of the scalar one, on random blocks, random shapes and extreme activations.</summary>
public unsafe class MatrixProductTests
{
    private const int Shapes = 14;

    private static readonly int[] Columns32 = [32, 64, 288, 576];

    public static TheoryData<GgmlType, ActivationMode, CpuIsa> Cases()
    {
        var data = new TheoryData<GgmlType, ActivationMode, CpuIsa>();
        foreach (var type in RandomOperands.Quantized.Concat([GgmlType.F32, GgmlType.F16, GgmlType.BF16]))
        {
            foreach (var isa in (CpuIsa[])[CpuIsa.Avx2, CpuIsa.Avx512, CpuIsa.Neon, CpuIsa.Avx512Vnni])
            {
                data.Add(type, ActivationMode.Int8, isa);
                data.Add(type, ActivationMode.F32, isa);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Product_RandomShapes_HasReferenceBits(GgmlType type, ActivationMode mode, CpuIsa isa)
    {
        Require(isa);
        var random = new Random(((int)type * 10) + (int)mode);
        int unit = RandomOperands.ColumnsOf(type);
        for (int shape = 0; shape < Shapes; shape++)
        {
            int columns = unit == 256 ? 256 * random.Next(1, 4) : unit == 32 && shape < Columns32.Length ? Columns32[shape] : unit * random.Next(1, 640 / unit);
            int matrixRows = shape % 3 == 0 ? random.Next(1, 20) : random.Next(20, 130);
            int rows = shape % 2 == 0 ? random.Next(1, 4) : random.Next(4, 41);
            Compare(random, type, mode, isa, matrixRows, columns, rows, programRows: rows);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Product_FewRowsInALargeProgram_HasReferenceBits(GgmlType type, ActivationMode mode, CpuIsa isa)
    {
        Require(isa);
        var random = new Random((int)type);
        Compare(random, type, mode, isa, matrixRows: 97, columns: 512, rows: 1, programRows: 64);
        Compare(random, type, mode, isa, matrixRows: 96, columns: 256, rows: 3, programRows: 4);
    }

    /// <summary>Every number of rows, each with the kernel that it gets in a tick of its size.</summary>
    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Product_OneToFortyRows_HasReferenceBits(GgmlType type, ActivationMode mode, CpuIsa isa)
    {
        Require(isa);
        var random = new Random((int)type + 40);
        int unit = RandomOperands.ColumnsOf(type);
        for (int rows = 1; rows <= 40; rows++)
        {
            int columns = unit == 256 ? 256 * (1 + (rows % 2)) : 256 + (unit * (rows % (256 / unit)));
            Compare(random, type, mode, isa, matrixRows: 16 + rows, columns, rows, programRows: rows);
        }
    }

    /// <summary>Rows too long for the first cache, which some kernels take in parts.</summary>
    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Product_LongRows_HasReferenceBits(GgmlType type, ActivationMode mode, CpuIsa isa)
    {
        Require(isa);
        var random = new Random((int)type + 80);
        int tail = RandomOperands.ColumnsOf(type) switch { 32 => 96, 256 => 0, int unit => unit };
        foreach (int columns in (int[])[2048, 2048 + tail, 4352 + tail])
        {
            Compare(random, type, mode, isa, matrixRows: 20, columns, rows: 1, programRows: 1);
            Compare(random, type, mode, isa, matrixRows: 20, columns, rows: 6, programRows: 8);
        }
    }

    [SkippableTheory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    public void Product_FloatRowsOfAnyLength_HasReferenceBits(GgmlType type)
    {
        LoadedModel.RequireVectors();
        var random = new Random((int)type + 1);
        var isa = IsaSelector.IsSupported(CpuIsa.Avx2) ? CpuIsa.Avx2 : CpuIsa.Neon;
        foreach (int columns in (int[])[1, 8, 20, 40, 250, 264, 1000, 1024, 1304, 1800, 2560, 3072])
        {
            Compare(random, type, ActivationMode.F32, isa, random.Next(1, 10), columns, 1, 1);
            Compare(random, type, ActivationMode.F32, isa, random.Next(1, 10), columns, 3, 3);
            Compare(random, type, ActivationMode.F32, isa, random.Next(20, 60), columns, 6, 8);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Product_ExtremeCodes_HasReferenceBits(GgmlType type, ActivationMode mode, CpuIsa isa)
    {
        Require(isa);
        var random = new Random(5);

        // Bytes of 0x00, 0x7f, 0x80 and 0xff drive codes and sub-block scales to their ends, against activations of ±127.
        foreach (byte fill in (byte[])[0x00, 0x7f, 0x80, 0x81, 0xff, 0xf0, 0x0f])
        {
            foreach (float sign in (float[])[1, -1])
            {
                Compare(random, type, mode, isa, 33, 256, 2, 2, fill, sign);
                Compare(random, type, mode, isa, 33, 256, 5, 8, fill, sign);
            }
        }
    }

    /// <summary>The kernels of NEON's width are tested everywhere, in their portable form where the processor is another.</summary>
    private static void Require(CpuIsa isa)
    {
        LoadedModel.RequireVectors();
        if (isa != CpuIsa.Neon)
        {
            LoadedModel.Require(isa);
        }
    }

    private static void Compare(
        Random random, GgmlType type, ActivationMode mode, CpuIsa isa, int matrixRows, int columns, int rows, int programRows, byte? fill = null, float sign = 0)
    {
        var kernels = IsaSelector.Create(isa);
        byte[] weights = RandomOperands.RandomWeights(random, type, matrixRows, columns);
        if (fill is { } value && BlockFormat.Get(type).IsQuantized)
        {
            FillCodes(weights, type, value);
        }

        int tiles = (matrixRows + 15) / 16;
        long tileBytes = kernels.TileBytes(type, columns);
        using var packed = new GuardedBuffer(tileBytes * tiles);
        fixed (byte* raw = weights)
        {
            var matrix = new Matrix
            {
                Raw = raw,
                RawRowBytes = weights.Length / matrixRows,
                Rows = matrixRows,
                Columns = columns,
                Decode = BlockFormat.Get(type).Decoder,
                Packed = packed.Data,
                TileBytes = tileBytes,
            };
            if (tileBytes > 0)
            {
                kernels.Pack(type, matrix, 0, tiles);
            }

            int begin = matrixRows > 40 && random.Next(2) == 0 ? 16 * random.Next(1, 3) : 0;
            int end = matrixRows > 64 && random.Next(2) == 0 ? 64 : matrixRows;
            int count = end - begin, stride = (count + 15) / 16 * 16;
            float[] x = new float[rows * columns];
            for (int row = 0; row < rows; row++)
            {
                RandomOperands.FillActivations(random, x.AsSpan(row * columns, columns));
            }

            if (sign != 0)
            {
                Array.Fill(x, sign);
            }

            float[] expected = Run<ReferenceRows>(IsaSelector.Select(CpuIsa.Scalar), &matrix, type, mode, programRows, x, rows, begin, end, stride);
            float[] actual = Run<SimdRows<Width256>>(kernels, &matrix, type, mode, programRows, x, rows, begin, end, stride);
            for (int row = 0; row < rows; row++)
            {
                RandomOperands.AssertSame(expected.AsSpan(row * stride, count), actual.AsSpan(row * stride, count),
                    $"{type} {mode} {isa}, {matrixRows} x {columns}, {rows} rows, columns {begin} to {end}, row {row}");
            }
        }
    }

    private static float[] Run<TRows>(
        KernelTable kernels, Matrix* matrix, GgmlType type, ActivationMode mode, int programRows, float[] x, int rows, int begin, int end, int stride)
        where TRows : struct, IRowKernels<TRows>
    {
        var layout = new ActivationLayout(kernels.FormFor(type, mode, programRows), matrix->Columns);
        using var activations = new GuardedBuffer((long)layout.RowBytes * rows);
        using var scratch = new GuardedBuffer(kernels.ScratchBytes([new Weight(0, "", type, matrix->Rows, matrix->Columns)]));
        using var y = new GuardedBuffer((long)stride * rows * sizeof(float));
        var view = new ActivationView(activations.Data, layout);
        for (int row = 0; row < rows; row++)
        {
            fixed (float* values = x)
            {
                TRows.WriteForms(values + (row * matrix->Columns), view, row, 0, matrix->Columns);
            }
        }

        new Span<float>(y.Floats, stride * rows).Fill(float.NaN);
        kernels.ProductOf(type, mode, programRows)(matrix, &view, rows, begin, end, y.Floats, stride, scratch.Data);
        return new Span<float>(y.Floats, stride * rows).ToArray();
    }

    /// <summary>Sets all bytes of every block but the binary16 numbers, which become 1.</summary>
    private static void FillCodes(byte[] weights, GgmlType type, byte value)
    {
        int blockBytes = BlockFormat.Get(type).BlockBytes;
        for (int block = 0; block < weights.Length; block += blockBytes)
        {
            weights.AsSpan(block, blockBytes).Fill(value);
            RandomOperands.SetHalves(weights.AsSpan(block, blockBytes), type, () => BitConverter.HalfToUInt16Bits((Half)1f));
        }
    }
}
