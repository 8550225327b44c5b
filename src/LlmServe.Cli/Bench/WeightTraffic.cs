using LlmServe.Gguf;

namespace LlmServe.Cli.Bench;

/// <summary>What the weights of a model cost a token.</summary>
/// <param name="Bytes">Bytes that decoding one token reads, as the file stores them: every tensor but an embedding that is not also the output matrix.</param>
/// <param name="BodyMultiplyAdds">Multiply-adds of a row before the output matrix.</param>
/// <param name="OutputMultiplyAdds">Multiply-adds of a row in the output matrix.</param>
internal sealed record WeightTraffic(long Bytes, long BodyMultiplyAdds, long OutputMultiplyAdds)
{
    private const string Embedding = "token_embd.weight";

    /// <summary>Reads it off a tensor table.</summary>
    public static WeightTraffic Of(GgufFile file)
    {
        var output = file.TryGetTensor("output.weight", out var own) ? own : file.TryGetTensor(Embedding, out var tied) ? tied : null;
        var read = file.Tensors.Where(tensor => tensor == output || tensor.Name != Embedding).ToList();
        long body = read.Where(tensor => tensor != output && tensor.Dimensions.Length > 1).Sum(tensor => tensor.ElementCount);
        return new WeightTraffic(read.Sum(tensor => tensor.ByteLength), body, output?.ElementCount ?? 0);
    }
}
