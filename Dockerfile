# A server with the embedded model:
#
#   docker build -t llmserve .
#   docker run --rm -p 127.0.0.1:8080:8080 llmserve
#
# Settings are variables (docs/environment.md), which the health check sees as well:
#
#   docker run --rm -p 127.0.0.1:8080:8080 -v /path/to/models:/data:ro -e LLMSERVE_MODEL=/data/NAME.gguf -e LLMSERVE_MAX_QUEUE=64 llmserve
#
# Other commands take the place of `serve`: docker run --rm -it llmserve chat
# As it comes the server asks nobody for a key, so publish its port only where friends can reach it, or give it API keys and TLS (docs/operations.md).

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

COPY .editorconfig global.json Directory.Build.props Directory.Packages.props ./
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
# What can be made again: repacked weights and the measured machine. On a volume, so that the next container starts as fast as the second start of this one.
RUN mkdir -p /var/cache/llmserve && chown $APP_UID /var/cache/llmserve
VOLUME /var/cache/llmserve
# Variables and not flags, so that whoever runs the container can set others.
ENV LLMSERVE_HOST=0.0.0.0 LLMSERVE_PORT=8080 XDG_CACHE_HOME=/var/cache
# The base image brings this user, which has no privileges.
USER $APP_UID
EXPOSE 8080
# Asks the server of the same settings: its port, and its certificate if it has one.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/app/llmserve", "health"]
# SIGTERM, which stopping the container sends, ends the server after its running answers; give it more than the 10 s of
# Docker's default with `docker stop -t SECONDS` where answers are long.
ENTRYPOINT ["/app/llmserve"]
CMD ["serve"]
