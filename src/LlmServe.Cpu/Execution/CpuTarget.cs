using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>What the compiler may assume of this machine's lanes and kernels.</summary>
internal sealed class CpuTarget(KernelTable kernels, ActivationMode mode, int lanes) : ITarget
{
    /// <summary>Up to this many rows every lane computes norms for itself.</summary>
    private const int RepeatedRows = 4;

    public string Name => $"cpu {kernels.Isa.ToString().ToLowerInvariant()}";

    public int Lanes => lanes;

    public int TileRows => KernelTable.TileRows;

    public ActivationForms FormFor(Weight matrix, int rows) => kernels.FormFor(matrix.Type, mode, rows);

    public int GroupOf(ActivationForms forms) => CpuForms.GroupOf(forms);

    public int RowBytes(ActivationForms forms, int columns) => new ActivationLayout(forms, columns).RowBytes;

    public string Describe(ActivationForms forms) => CpuForms.Describe(forms);

    public bool RepeatsRows(int rows) => rows <= RepeatedRows;

    public int AttentionParts(AttentionShape shape, int rows, int context) => LaneParts.Floats(shape, lanes, rows, context);

    public int CacheGroup(KvElement element, int headSize) =>
        element == KvElement.Q8_0 ? KvBlock.ScaledRun : headSize % KernelTable.TileRows == 0 ? KernelTable.TileRows : headSize;

    public long StoredBytes(Weight matrix) => kernels.StoredBytes(matrix, mode);

    public unsafe int KernelFrom(Weight matrix, int rows)
    {
        // Addresses of one method could differ in theory; the kernel would then be measured once more, and nothing else.
        nint kernel = (nint)kernels.ProductOf(matrix.Type, mode, rows);
        int fewest = 1;
        while (fewest < rows && (nint)kernels.ProductOf(matrix.Type, mode, fewest) != kernel)
        {
            fewest++;
        }

        return fewest;
    }
}
