# A server with the embedded model:
#
#   docker build -t llmserve .
#   docker run --rm -p 127.0.0.1:8080:8080 llmserve
#
# Another model: docker run --rm -p 127.0.0.1:8080:8080 -v /path/to/models:/data:ro llmserve --model /data/NAME.gguf
# As it comes the server asks nobody for a key, so publish its port only where friends can reach it, or give it API keys and TLS (docs/operations.md).

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

COPY .editorconfig Directory.Build.props Directory.Packages.props ./
COPY protos/ protos/
COPY src/ src/
# Publishing copies the embedded model beside the program, where the program looks for it.
COPY models/ models/
RUN dotnet publish src/LlmServe.Cli/LlmServe.Cli.csproj -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
# Owned by root and only read by the server's user, which cannot change what it runs.
COPY --from=build /app ./
COPY LICENSE ./
# The base image brings this user, which has no privileges.
USER $APP_UID
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/app/llmserve", "health", "--address", "http://127.0.0.1:8080"]
# SIGTERM, which stopping the container sends, ends the server after its running answers; give it more than the 10 s of
# Docker's default with `docker stop -t SECONDS` where answers are long.
ENTRYPOINT ["/app/llmserve", "serve", "--host", "0.0.0.0", "--port", "8080"]
