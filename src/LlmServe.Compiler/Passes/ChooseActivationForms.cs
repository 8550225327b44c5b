using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Passes;

/// <summary>Gives every value the forms that its readers want on a target: what enters a quantized matrix is written as 8-bit blocks by its producer.</summary>
public sealed class ChooseActivationForms(ITarget target, int rows) : IPass
{
    public string Name => "choose activation forms";

    public ModelGraph Run(ModelGraph graph)
    {
        var forms = new ActivationForms[graph.Values.Count];
        foreach (var operation in graph.Operations)
        {
            foreach (var input in operation.Inputs)
            {
                forms[input.Id] |= FormsRead(operation, input);
            }
        }

        forms[graph.Logits.Id] = ActivationForms.Real;
        var values = graph.Values.Select(v => v with { Forms = forms[v.Id] == ActivationForms.None ? ActivationForms.Real : forms[v.Id] }).ToArray();
        return graph.WithValues(values, [.. graph.Operations.Select(o => Update(o, values))]);
    }

    private ActivationForms FormsRead(Operation operation, Value input) => operation switch
    {
        Linear linear => target.FormFor(linear.Matrix, rows),
        LinearAdd linear when linear.Residual.Id != input.Id => target.FormFor(linear.Matrix, rows),
        GatedLinear gated => target.FormFor(gated.Gate, rows) | target.FormFor(gated.Up, rows),
        ProjectHeads heads => target.FormFor(heads.Query, rows) | target.FormFor(heads.Key, rows) | target.FormFor(heads.KeyValues, rows),
        _ => ActivationForms.Real,
    };

    private static Operation Update(Operation operation, Value[] values)
    {
        Value Of(Value value) => values[value.Id];
        return operation switch
        {
            Embed o => o with { Output = Of(o.Output) },
            RmsNorm o => o with { Input = Of(o.Input), Output = Of(o.Output) },
            Linear o => o with { Input = Of(o.Input), Output = Of(o.Output) },
            LinearAdd o => o with { Input = Of(o.Input), Residual = Of(o.Residual) },
            GatedLinear o => o with { Input = Of(o.Input), Output = Of(o.Output) },
            ProjectHeads o => o with { Input = Of(o.Input), QueryOutput = Of(o.QueryOutput), KeyOutput = Of(o.KeyOutput), ValueOutput = Of(o.ValueOutput) },
            CachedAttention o => o with { Query = Of(o.Query), Output = Of(o.Output) },
            _ => throw new NotSupportedException($"operation {operation.GetType().Name} was not fused and cannot be scheduled"),
        };
    }
}
