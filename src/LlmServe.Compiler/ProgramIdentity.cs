using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LlmServe.Gguf;

namespace LlmServe.Compiler;

/// <summary>
/// The identity of a program: two programs with the same identity give the same bits. SHA-256 over the numerics version, the modes, and the model:
/// the metadata of its architecture (shapes, RoPE, epsilon), every tensor's name, type and shape, and the first and last 4 KiB of its data.
/// </summary>
internal static class ProgramIdentity
{
    private const int Sample = 4096;

    public static string Of(GgufFile file, CompilerOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, $"numerics {ModelCompiler.NumericsVersion}; {options.Activations}; {options.Kv}; ");
        string architecture = file.Metadata.GetString("general.architecture");
        Append(hash, architecture);
        foreach (var (key, value) in file.Metadata.Entries.Where(e => e.Key.StartsWith(architecture + ".", StringComparison.Ordinal)))
        {
            Append(hash, $"{key} = {value}");
        }

        foreach (var tensor in file.Tensors)
        {
            Append(hash, tensor.ToString());
            AppendSamples(hash, file, tensor);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static unsafe void AppendSamples(IncrementalHash hash, GgufFile file, GgufTensor tensor)
    {
        byte* data = file.DataOf(tensor);
        int head = (int)Math.Min(Sample, tensor.ByteLength);
        hash.AppendData(new ReadOnlySpan<byte>(data, head));
        hash.AppendData(new ReadOnlySpan<byte>(data + tensor.ByteLength - head, head));
    }

    private static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
