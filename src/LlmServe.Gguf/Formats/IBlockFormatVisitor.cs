namespace LlmServe.Gguf.Formats;

/// <summary>Something that is generic over block formats, made for the one that a value names at run time (<see cref="BlockFormat.Accept"/>).</summary>
public interface IBlockFormatVisitor<out TResult>
{
    /// <summary>The thing for one format.</summary>
    TResult Visit<TBlock>() where TBlock : unmanaged, IBlockFormat<TBlock>;
}
