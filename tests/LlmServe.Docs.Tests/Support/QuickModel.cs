using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Models;

namespace LlmServe.Docs.Tests.Support;

/// <summary>A model that loads and answers in an instant, with a chat template and a context as long as pages want. It says nothing sensible.</summary>
internal static class QuickModel
{
    private const string Template =
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private static readonly Lazy<string> Written = new(Write);

    /// <summary>The file.</summary>
    public static string Path => Written.Value;

    private static string Write()
    {
        string path = System.IO.Path.Combine(AppContext.BaseDirectory, "quick.gguf");
        var format = BlockFormat.Get(GgmlType.Q8_0);
        RandomModel.Save(
            new RandomModelPlan("quick", ModelDimensions.Named["tiny"] with { Context = 8192 }, format, format, 1) { ChatTemplate = Template }, path);
        return path;
    }
}
