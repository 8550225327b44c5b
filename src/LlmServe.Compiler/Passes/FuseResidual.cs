using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>
/// Adds a projection into the residual stream in place. The sum takes over the residual's storage, which is right as long as
/// nothing reads the old residual afterwards; a sum where that is not so is left alone.
/// </summary>
public sealed class FuseResidual : IPass
{
    public string Name => "fuse residual";

    public ModelGraph Run(ModelGraph graph)
    {
        var aliases = new Dictionary<int, Value>();
        var result = new List<Operation>();
        for (int i = 0; i < graph.Operations.Count; i++)
        {
            var operation = Rename(graph.Operations[i], aliases);
            if (operation is Add add && result.Count > 0 && result[^1] is Linear linear && linear.Output == add.Right && !ReadLater(graph, i, add.Left, aliases))
            {
                result[^1] = new LinearAdd(linear.Input, linear.Matrix, add.Left);
                aliases[add.Output.Id] = add.Left;
                continue;
            }

            result.Add(operation);
        }

        return graph.With(result);
    }

    private static bool ReadLater(ModelGraph graph, int index, Value residual, Dictionary<int, Value> aliases) =>
        graph.Operations.Skip(index + 1).Any(o => o.Inputs.Any(v => v.Id == residual.Id || (aliases.TryGetValue(v.Id, out var a) && a.Id == residual.Id)));

    private static Operation Rename(Operation operation, Dictionary<int, Value> aliases)
    {
        Value Of(Value value) => aliases.GetValueOrDefault(value.Id, value);
        return operation switch
        {
            RmsNorm norm => norm with { Input = Of(norm.Input) },
            Add add => add with { Left = Of(add.Left), Right = Of(add.Right) },
            Linear linear => linear with { Input = Of(linear.Input) },
            _ => operation,
        };
    }
}
