using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Rows out of repacked matrices have the bits of rows out of the file.</summary>
public unsafe class PackedRowTests
{
    public static TheoryData<GgmlType, CpuIsa> Cases()
    {
        var cases = new TheoryData<GgmlType, CpuIsa>();
        foreach (var format in BlockFormat.All.Where(format => format is { IsQuantized: true, CanDecode: true }))
        {
            foreach (var isa in (CpuIsa[])[CpuIsa.Neon, CpuIsa.Avx2, CpuIsa.Avx512])
            {
                cases.Add(format.Type, isa);
            }
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Decode_RandomRows_HasTheBitsOfTheFilesLayout(GgmlType type, CpuIsa isa)
    {
        LoadedModel.RequireVectors();
        if (isa != CpuIsa.Neon)
        {
            LoadedModel.Require(isa);
        }

        var random = new Random((int)type);
        foreach (int columns in (int[])[256, 512, 1792])
        {
            Compare(random, type, isa, random.Next(17, 50), columns);
        }

        if (BlockFormat.Get(type).BlockSize == 32)
        {
            Compare(random, type, isa, 5, 32);
            Compare(random, type, isa, 16, 352);
        }
    }

    private static void Compare(Random random, GgmlType type, CpuIsa isa, int rows, int columns)
    {
        var kernels = IsaSelector.Create(isa);
        byte[] weights = RandomOperands.RandomWeights(random, type, rows, columns);
        int tiles = (rows + 15) / 16;
        using var packed = new GuardedBuffer(kernels.TileBytes(type, columns) * tiles);
        float[] expected = new float[columns], actual = new float[columns];
        fixed (byte* raw = weights)
        fixed (float* expectedRow = expected, actualRow = actual)
        {
            var matrix = new Matrix
            {
                Raw = raw,
                RawRowBytes = weights.Length / rows,
                Rows = rows,
                Columns = columns,
                Decode = BlockFormat.Get(type).Decoder,
                Packed = packed.Data,
                TileBytes = kernels.TileBytes(type, columns),
            };
            kernels.Pack(type, matrix, 0, tiles);
            var decode = kernels.PackedRowDecoderOf(type);
            for (int row = 0; row < rows; row++)
            {
                KernelTable.RawRowDecoder(&matrix, row, expectedRow);
                decode(&matrix, row, actualRow);
                RandomOperands.AssertSame(expected, actual, $"{type} {isa}, {rows} x {columns}, row {row}");
            }
        }
    }
}
