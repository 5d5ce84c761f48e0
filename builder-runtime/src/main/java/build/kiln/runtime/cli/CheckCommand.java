package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildRequest;
import build.kiln.runtime.build.BuildSecrets;
import build.kiln.runtime.build.Builder;
import build.kiln.runtime.check.Finding;
import build.kiln.runtime.cli.progress.Display;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln check}: the build checks, as {@code docker build --check}. */
@Command(
    name = "check",
    description = "Says what a Dockerfile better would not, and builds nothing.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
  /** How findings are printed. */
  enum Format {
    text,
    json
  }

  @Parameters(
      paramLabel = "CONTEXT",
      description = "The folder that COPY and ADD read from. Default: this folder.",
      defaultValue = ".")
  private String context = ".";

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "The Dockerfile; - is standard input. Default: CONTEXT/Dockerfile.")
  private @Nullable String file;

  @Option(
      names = "--build-arg",
      paramLabel = "NAME[=VALUE]",
      description = "A value for ARG; without a value, that of the environment.")
  private List<String> buildArgs = new ArrayList<>();

  @Option(
      names = "--format",
      paramLabel = "HOW",
      description = "${COMPLETION-CANDIDATES}. Default: text.")
  private Format format = Format.text;

  @Option(
      names = "--insecure-registry",
      paramLabel = "HOST[:PORT]",
      description = "A registry that speaks HTTP, or TLS that is not verified.")
  private List<String> insecure = new ArrayList<>();

  @Option(names = "--build-context", paramLabel = "NAME=VALUE", description = "As of kiln build.")
  private List<String> buildContexts = new ArrayList<>();

  @Option(names = "--store", paramLabel = "DIR", description = "The local store's folder.")
  private @Nullable Path storeFolder;

  @Override
  public Integer call() throws CommandFailure {
    Desk desk = Desk.ofThisProcess();
    var setup =
        new Engine.Setup(
            storeFolder == null ? desk.store() : storeFolder,
            null,
            desk.registry(insecure),
            desk.credentials(),
            desk.git(),
            Isolation.NoRun,
            true,
            reference -> true);
    List<Finding> findings;
    try (Engine engine = Engine.open(setup);
        ContextOptions named = ContextOptions.open(buildContexts, engine);
        BuildFiles files = BuildFiles.open(context, file, engine);
        Display display = ProgressMode.quiet.open(System.err, desk.environment())) {
      findings =
          new Builder(engine.environment())
              .check(request(desk, files, named), new BuildProgress(display));
    } catch (BuildException e) {
      throw new CommandFailure(ExitCode.USER, BuildFailures.text(e), e);
    } catch (IOException e) {
      throw CommandFailure.infrastructure(e);
    }
    print(findings);
    return findings.isEmpty() ? ExitCode.OK.code() : ExitCode.USER.code();
  }

  private BuildRequest request(Desk desk, BuildFiles files, ContextOptions named)
      throws CommandFailure {
    return new BuildRequest(
        files.dockerfile(),
        files.dockerfilePath(),
        files.ignoreFile(),
        files.context(),
        null,
        Assignments.parse("--build-arg", buildArgs, desk.environment()),
        desk.proxies(),
        Platform.host(),
        true,
        false,
        Compression.NONE,
        Map.of(),
        Map.of(),
        BuildSecrets.none(),
        named.contexts());
  }

  private void print(List<Finding> findings) {
    switch (format) {
      case text -> {
        for (Finding finding : findings) {
          System.out.println(finding.problem().render());
          System.out.println();
        }
        System.out.println(
            findings.isEmpty()
                ? "No warnings."
                : findings.size() == 1 ? "1 warning." : findings.size() + " warnings.");
      }
      case json -> {
        var document = Map.of("warnings", findings.stream().map(CheckCommand::json).toList());
        System.out.println(new String(Json.write(document), StandardCharsets.UTF_8));
      }
    }
  }

  private static Map<String, Object> json(Finding finding) {
    SourceRange range = finding.range();
    var values = new LinkedHashMap<String, Object>();
    values.put("ruleName", finding.rule().name());
    values.put("description", finding.rule().description());
    values.put("detail", finding.detail());
    values.put("fix", finding.rule().fix());
    values.put("file", range.source().name());
    values.put("line", range.startLine());
    values.put("column", range.startColumn());
    values.put("endLine", range.endLine());
    values.put("endColumn", range.endColumn());
    return values;
  }
}
