using LlmServe.Serving;
using LlmServe.Testing;

namespace LlmServe.Hosting.Tests;

public sealed class ModelFinderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Find_FromTheProgramsFolder_FindsTheEmbeddedModel()
    {
        var finder = new ModelFinder(_ => null, [AppContext.BaseDirectory]);

        Assert.Equal(TestData.EmbeddedModel, finder.Find(null));
    }

    [Fact]
    public void Find_FromAFolderBelow_WalksUp()
    {
        string model = Place(Path.Combine("project", ModelFinder.EmbeddedPath));
        string below = Directory.CreateDirectory(_folder.File("project/src/deep")).FullName;

        Assert.Equal(model, new ModelFinder(_ => null, ["/", below]).Find(null));
    }

    [Fact]
    public void Find_VariableSet_GoesBeforeTheEmbeddedModel()
    {
        string model = Place("other.gguf");

        Assert.Equal(model, Finder(("LLMSERVE_MODEL", model)).Find(null));
    }

    [Fact]
    public void Find_PathGiven_GoesBeforeTheVariable()
    {
        string given = Place("given.gguf");

        Assert.Equal(given, Finder(("LLMSERVE_MODEL", Place("other.gguf"))).Find(given));
    }

    [Fact]
    public void Find_VariableWrong_NamesTheVariable()
    {
        var error = Assert.Throws<OptionException>(() => Finder(("LLMSERVE_MODEL", _folder.File("absent.gguf"))).Find(null));

        Assert.Equal(ModelFinder.Variable, error.Option);
        Assert.StartsWith("no file at ", error.Message);
    }

    [Fact]
    public void Find_DataFolder_IsTheLastPlace()
    {
        string model = Place(Path.Combine("llmserve", ModelFinder.EmbeddedPath));

        Assert.Equal(model, Finder(("XDG_DATA_HOME", _folder.Path)).Find(null));
    }

    [Fact]
    public void Find_Nothing_SaysWhereWasLookedAndWhatToDo()
    {
        var error = Assert.Throws<OptionException>(() => Finder(("XDG_DATA_HOME", _folder.Path)).Find(null));

        Assert.Contains(ModelFinder.EmbeddedPath, error.Message);
        Assert.Contains(_folder.Path, error.Message);
        Assert.Equal(nameof(ModelSettings.Path), error.Option);
        Assert.Contains("LLMSERVE_MODEL", error.Message);
    }

    private ModelFinder Finder(params (string Name, string Value)[] variables) =>
        new(name => variables.FirstOrDefault(variable => variable.Name == name).Value, [_folder.Path]);

    private string Place(string path)
    {
        string full = _folder.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, "model");
        return full;
    }
}
