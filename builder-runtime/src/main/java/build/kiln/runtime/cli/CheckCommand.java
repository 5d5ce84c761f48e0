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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code kiln check}: the build checks, as {@code docker build --check}. */
final class CheckCommand implements Command {
  /** How findings are printed. */
  enum Format {
    text,
    json
  }

  private String context = ".";
  private @Nullable String file;
  private List<String> buildArgs = List.of();
  private Format format = Format.text;
  private List<String> insecure = List.of();
  private List<String> buildContexts = List.of();
  private @Nullable Path storeFolder;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about("Says what a Dockerfile better would not, and builds nothing.")
        .optionalParameter(
            "CONTEXT",
            "The folder that COPY and ADD read from. Default: this folder.",
            text -> context = text)
        .dockerfile(text -> file = text)
        .buildArguments(values -> buildArgs = values)
        .choice(
            "--format=HOW",
            "${COMPLETION-CANDIDATES}. Default: text.",
            Format.class,
            value -> format = value)
        .insecureRegistries(values -> insecure = values)
        .list("--build-context=NAME=VALUE", "As of kiln build.", values -> buildContexts = values)
        .store(path -> storeFolder = path);
  }

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
