using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;
using LlmServe.Hosting;

using var interrupts = new Interrupts();
interrupts.Listen();
var console = CliConsole.OpenSystem();
return await new CommandLineApp(new CliServices(console, interrupts, new ModelLoader(caches: CachePlaces.ForProcess()))).RunAsync(args);
