package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildRequest;
import build.kiln.runtime.build.Builder;
import build.kiln.runtime.build.Vertex;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.PrintStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code kiln explain}: the command line of a build, which is planned and not done. */
final class ExplainCommand extends BuildCommand {
  private Format format = Format.text;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Says of each step whether the cache has it, and if not, what changed. Builds nothing.",
            "Takes the options of kiln build; those about its result do nothing.")
        .choice("--format=HOW", "${COMPLETION-CANDIDATES}.", Format.class, value -> format = value);
  }

  /** How it is printed. */
  enum Format {
    text,
    json
  }

  /**
   * What is known of a step.
   *
   * @param step as progress calls it
   * @param cache hit or miss
   * @param reason of a miss
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Explained(String step, String instruction, String cache, @Nullable String reason) {}

  /** None, and none is looked at. */
  @Override
  List<OutputSpec> outputSpecs(List<Reference> names) {
    return List.of();
  }

  @Override
  Integer with(
      Engine engine,
      BuildRequest request,
      StepCache cache,
      List<Reference> names,
      List<OutputSpec> specs)
      throws CommandFailure, BuildException, InterruptedException {
    var steps = new ArrayList<Explained>();
    new Builder(engine.environment(), Clock.systemUTC(), cache)
        .explain(request, new BuildProgress(event -> take(event, steps)));
    print(steps, System.out);
    return ExitCode.OK.code();
  }

  private static void take(BuildEvent event, List<Explained> steps) {
    switch (event) {
      case BuildEvent.Finished end
          when end.vertex().kind() == Vertex.Kind.STEP && end.cache() != null ->
          steps.add(
              new Explained(
                  end.vertex().name(),
                  end.vertex().instruction(),
                  end.cache() == CacheResult.Hit ? "hit" : "miss",
                  end.missReason()));
      case BuildEvent.Warning warning -> ProgressMode.warn(System.err, warning.text());
      default -> {}
    }
  }

  private void print(List<Explained> steps, PrintStream out) {
    if (format == Format.json) {
      out.writeBytes(Json.write(steps));
      out.println();
      return;
    }
    for (Explained step : steps) {
      out.println(ProgressMode.line(step.cache().toUpperCase(Locale.ROOT) + "\t" + step.step()));
      if (step.reason() != null) {
        out.println(ProgressMode.line("\t  " + step.reason()));
      }
    }
  }
}
